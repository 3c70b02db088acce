//! Moves a checked expression to the record that a path leads to, before it becomes part of another.

use crate::{Expr, Node, Path, Root};

impl Expr {
    /// The same about the record that a path leads to, in the place of `this`.
    pub(crate) fn rebase(&mut self, at: &Path) {
        if let Some(path) = self.node.path_mut().filter(|path| path.root == Root::This) {
            path.steps.splice(0..0, at.steps.iter().copied());
            (path.root, path.collection) = (at.root, at.collection);
        }
        for child in self.children_mut() {
            child.rebase(at);
        }
    }

    /// The steps of the longest path in it.
    pub(crate) fn longest_path(&self) -> usize {
        let own = match &self.node {
            Node::Path(path) => path.steps.len(),
            Node::Quantifier { over, .. } => over.path().map_or(0, |path| path.steps.len()),
            Node::Aggregate(of) => of.over.path().map_or(0, |path| path.steps.len()),
            _ => 0,
        };
        self.node.children().into_iter().map(Self::longest_path).fold(own, Ord::max)
    }
}
