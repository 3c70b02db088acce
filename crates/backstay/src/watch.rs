//! Notices when the files of an application change.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::directory::CONFIG_FILE;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_millis(200);

/// Maximum size of a file whose content is compared. Of larger ones, and of seed files, only what the file system says
/// about them is.
const COMPARED_BYTES: u64 = 4 * 1024 * 1024;

/// Watches the settings, the model and the seed files of an application. The files are compared at intervals: that works
/// on every file system, also on those that don't report changes.
#[derive(Debug)]
pub(crate) struct Watch {
    root: PathBuf,
    seen: Files,
}

/// The files by path, and what distinguishes each from its other versions; `None` if it can't be read.
type Files = BTreeMap<PathBuf, Option<Version>>;

#[derive(Debug, PartialEq, Eq)]
struct Version {
    bytes: u64,
    inode: u64,
    modified: (i64, i64),
    content: Option<u64>,
}

impl Watch {
    /// Watches an application from now on.
    pub(crate) fn start(root: &Path) -> Self {
        Self { root: root.to_owned(), seen: files(root) }
    }

    /// Completes when files have changed since it last did, or since the start. If they are still being written, it waits
    /// until they stay the same for one interval. Dropping it before it completes loses nothing.
    pub(crate) async fn changed(&mut self) {
        let mut before = None;
        loop {
            tokio::time::sleep(INTERVAL).await;
            let now = files(&self.root);
            if now != self.seen && before.as_ref() == Some(&now) {
                self.seen = now;
                return;
            }
            before = Some(now);
        }
    }
}

fn files(root: &Path) -> Files {
    let mut files = Files::new();
    // A directory with a wrong name, such as `models`, is an error that renaming it corrects.
    for path in entries(root) {
        files.insert(path, None);
    }
    let settings = root.join(CONFIG_FILE);
    let read = [settings].into_iter().chain(entries(&root.join("model")));
    files.extend(read.map(|path| {
        let version = version(&path, true);
        (path, version)
    }));
    files.extend(entries(&root.join("seed")).map(|path| {
        let version = version(&path, false);
        (path, version)
    }));
    files
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn version(path: &Path, compared: bool) -> Option<Version> {
    let metadata = fs::metadata(path).ok()?;
    let compared = compared && metadata.is_file() && metadata.len() <= COMPARED_BYTES;
    let content = match compared {
        true => {
            let mut hasher = DefaultHasher::new();
            fs::read(path).ok()?.hash(&mut hasher);
            Some(hasher.finish())
        }
        false => None,
    };
    // A file whose content is compared doesn't change by being saved.
    let modified = if compared { (0, 0) } else { (metadata.mtime(), metadata.mtime_nsec()) };
    let inode = if compared { 0 } else { metadata.ino() };
    Some(Version { bytes: metadata.len(), inode, modified, content })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_change() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let root = place.path();
        let write = |name: &str, text: &str| {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
            fs::write(path, text).expect("a file");
        };
        let mut seen = files(root);
        let mut check = |what: &str, expected: bool| {
            let now = files(root);
            assert_eq!(now != seen, expected, "{what}");
            seen = now;
        };
        check("nothing", false);
        write("model/a.graphql", "type A");
        check("a new file", true);
        write("model/a.graphql", "type B");
        check("another content of the same size", true);
        write("model/a.graphql", "type B");
        check("a file that is saved as it was", false);
        write("backstay.toml", "");
        check("settings", true);
        write("seed/A.jsonl", "{}");
        check("a seed file", true);
        fs::rename(root.join("seed"), root.join("seeds")).expect("a directory");
        check("a directory with another name", true);
        fs::remove_file(root.join("model/a.graphql")).expect("a file");
        check("a file that is gone", true);
    }
}
