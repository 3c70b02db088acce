use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::Directory;
use crate::directory::TEXT_BYTES;

/// How often to look at the files. Asking the system for a few files' times costs less than its notifications would need
/// in code: those follow neither a directory that is replaced nor files on a network.
const INTERVAL: Duration = Duration::from_millis(40);

/// Notices changes of an application's files. Files are read once they have stayed the same between two looks, and only
/// other content counts as a change.
#[derive(Debug)]
pub(crate) struct Watcher {
    directory: Directory,
    stamps: Vec<(PathBuf, Stamp)>,
    /// Whether the files have changed since they were read.
    unsettled: bool,
    sources: Vec<(PathBuf, Source)>,
}

/// What changes whenever a file is written or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    inode: u64,
    is_file: bool,
}

/// What an application reads from a file.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    Text(Vec<u8>),
    /// Of a seed file, which can be large, and of what is no readable text.
    Stamp(Stamp),
}

impl Watcher {
    /// Watches the files of an application from now on.
    pub(crate) fn new(directory: Directory) -> Self {
        let stamps = stamps(&directory);
        let sources = sources(&stamps);
        Self { directory, stamps, unsettled: false, sources }
    }

    /// Completes when files have changed. Dropping it loses no change.
    pub(crate) async fn changed(&mut self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            if self.look() {
                return;
            }
        }
    }

    /// Whether the files have stayed the same since the last look but not since they were read.
    fn look(&mut self) -> bool {
        let stamps = stamps(&self.directory);
        if stamps != self.stamps {
            self.stamps = stamps;
            self.unsettled = true;
            return false;
        }
        if !self.unsettled {
            return false;
        }
        self.unsettled = false;
        let sources = sources(&self.stamps);
        let changed = sources != self.sources;
        self.sources = sources;
        changed
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let (bytes, modified) = (metadata.len(), metadata.modified().ok());
        Self { bytes, modified, inode: metadata.ino(), is_file: metadata.is_file() }
    }
}

impl Source {
    /// Reading a pipe would never end, and whatever is larger than a text is refused unread.
    fn read(path: &Path, stamp: Stamp) -> Self {
        let is_text = stamp.is_file && stamp.bytes <= TEXT_BYTES && path.extension().is_none_or(|one| one != "jsonl");
        let text = if is_text { fs::read(path).ok() } else { None };
        text.map_or(Self::Stamp(stamp), Self::Text)
    }
}

/// The files that exist, with their stamps.
fn stamps(directory: &Directory) -> Vec<(PathBuf, Stamp)> {
    let stamp = |path: PathBuf| fs::metadata(&path).ok().map(|metadata| (path, Stamp::of(&metadata)));
    directory.watched().into_iter().filter_map(stamp).collect()
}

fn sources(stamps: &[(PathBuf, Stamp)]) -> Vec<(PathBuf, Source)> {
    stamps.iter().map(|(path, stamp)| (path.clone(), Source::read(path, *stamp))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changes the files of an application, and looks at them twice.
    fn check(change: impl Fn(&Path), expected: bool) {
        let place = tempfile::tempdir().expect("a temporary directory");
        let root = place.path();
        for (name, text) in [("backstay.toml", ""), ("model/a.graphql", "type A"), ("seed/A.jsonl", "{}")] {
            fs::create_dir_all(root.join(name).parent().expect("a directory")).expect("a directory");
            fs::write(root.join(name), text).expect("a file");
        }
        let mut watcher = Watcher::new(Directory::open(root).expect("a directory"));
        assert!(!watcher.look());
        change(root);
        assert!(!watcher.look(), "not before it has stayed the same");
        assert_eq!(watcher.look(), expected);
        assert!(!watcher.look(), "once");
    }

    #[test]
    fn other_content_is_a_change() {
        let write = |name: &'static str, text: &'static str| {
            move |root: &Path| fs::write(root.join(name), text).expect("a file")
        };
        check(write("model/a.graphql", "type B"), true);
        check(write("model/b.graphql", "type B"), true);
        check(write("backstay.toml", "x = 1"), true);
        check(write("seed/A.jsonl", "{}\n{}"), true);
        check(|root| fs::remove_file(root.join("backstay.toml")).expect("a file"), true);
        check(|root| fs::remove_dir_all(root.join("model")).expect("a directory"), true);
    }

    #[test]
    fn the_same_content_is_none() {
        check(|_| (), false);
        check(|root| fs::write(root.join("model/a.graphql"), "type A").expect("a file"), false);
        check(|root| fs::write(root.join("model/.a.swp"), "type B").expect("a file"), false);
    }

    #[test]
    fn a_pipe_is_noticed_but_not_read() {
        let pipe = |root: &Path| {
            let made = std::process::Command::new("mkfifo").arg(root.join("model/b.graphql")).status();
            assert!(made.expect("mkfifo runs").success());
        };
        check(pipe, true);
    }
}
