use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use backstay_mail::DIRECTORY as MAIL;

use crate::Directory;
use crate::directory::{CONFIG_FILE, TEXT_BYTES};
use crate::functions::FUNCTIONS;
use crate::seed::{PACKS, SEED};

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

/// Which files have other content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each kind of file changes by itself")]
pub(crate) struct Changes {
    pub(crate) settings: bool,
    pub(crate) model: bool,
    pub(crate) seeds: bool,
    pub(crate) functions: bool,
    pub(crate) mail: bool,
}

impl Watcher {
    /// Watches the files of an application from now on.
    pub(crate) fn new(directory: Directory) -> Self {
        let stamps = stamps(&directory);
        let sources = stamps.iter().map(|(path, stamp)| (path.clone(), Source::read(path, *stamp))).collect();
        Self { directory, stamps, unsettled: false, sources }
    }

    /// Completes when files have changed. Dropping it loses no change.
    pub(crate) async fn changed(&mut self) -> Changes {
        loop {
            let changes = self.saved().await;
            if changes != Changes::default() {
                return changes;
            }
        }
    }

    /// Completes when files were saved, with other content or with the same. Dropping it loses no change.
    pub(crate) async fn saved(&mut self) -> Changes {
        loop {
            tokio::time::sleep(INTERVAL).await;
            if let Some(changes) = self.look() {
                return changes;
            }
        }
    }

    /// Whether files are being changed that have not been reported yet.
    pub(crate) fn is_behind(&self) -> bool {
        self.unsettled || stamps(&self.directory) != self.stamps
    }

    /// What has other content, if the files have stayed the same since the last look but not since they were read.
    fn look(&mut self) -> Option<Changes> {
        let stamps = stamps(&self.directory);
        if stamps != self.stamps {
            self.stamps = stamps;
            self.unsettled = true;
            return None;
        }
        if !self.unsettled {
            return None;
        }
        self.unsettled = false;
        let sources: Vec<_> =
            self.stamps.iter().map(|(path, stamp)| (path.clone(), Source::read(path, *stamp))).collect();
        let root = self.directory.root();
        let differs = |is_within: &dyn Fn(&Path) -> bool| differs(&self.sources, &sources, is_within);
        let within = |path: &Path, place: &str| path.starts_with(root.join(place));
        // Those of a pack are in a directory of its own.
        let of_pack = |path: &Path| {
            path.strip_prefix(root.join(PACKS)).is_ok_and(|path| path.iter().nth(1) == Some(SEED.as_ref()))
        };
        let is_seed = |path: &Path| within(path, SEED) || of_pack(path);
        let changes = Changes {
            settings: differs(&|path| within(path, CONFIG_FILE)),
            model: differs(&|path| within(path, "model") || within(path, PACKS) && !is_seed(path)),
            seeds: differs(&is_seed),
            functions: differs(&|path| within(path, FUNCTIONS)),
            mail: differs(&|path| within(path, MAIL)),
        };
        self.sources = sources;
        Some(changes)
    }
}

impl Changes {
    /// These and others.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            settings: self.settings || other.settings,
            model: self.model || other.model,
            seeds: self.seeds || other.seeds,
            functions: self.functions || other.functions,
            mail: self.mail || other.mail,
        }
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

/// Whether what is in some places differs.
fn differs(before: &[(PathBuf, Source)], now: &[(PathBuf, Source)], is_within: &dyn Fn(&Path) -> bool) -> bool {
    let within = |sources: &'_ [(PathBuf, Source)]| -> Vec<usize> {
        (0..sources.len()).filter(|index| is_within(&sources[*index].0)).collect()
    };
    let (old, new) = (within(before), within(now));
    old.len() != new.len() || old.iter().zip(&new).any(|(old, new)| before[*old] != now[*new])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Changes = Changes { settings: false, model: false, seeds: false, functions: false, mail: false };
    const MODEL: Changes = Changes { model: true, ..NONE };
    const SETTINGS: Changes = Changes { settings: true, ..NONE };
    const SEEDS: Changes = Changes { seeds: true, ..NONE };
    const MAILS: Changes = Changes { mail: true, ..NONE };
    const FUNCTION: Changes = Changes { functions: true, ..NONE };

    /// Changes the files of an application, looks at them twice, and compares what was noticed.
    fn check(change: impl Fn(&Path), expected: Option<Changes>) {
        let place = tempfile::tempdir().expect("a temporary directory");
        let root = place.path();
        for (name, text) in [("backstay.toml", ""), ("model/a.graphql", "type A"), ("seed/A.jsonl", "{}")] {
            fs::create_dir_all(root.join(name).parent().expect("a directory")).expect("a directory");
            fs::write(root.join(name), text).expect("a file");
        }
        let mut watcher = Watcher::new(Directory::open(root).expect("a directory"));
        assert_eq!((watcher.look(), watcher.is_behind()), (None, false));
        change(root);
        assert_eq!(watcher.look(), None, "not before it has stayed the same");
        assert_eq!(watcher.look(), expected);
        assert_eq!((watcher.look(), watcher.is_behind()), (None, false), "once");
    }

    #[test]
    fn other_content_is_a_change() {
        let write = |name: &'static str, text: &'static str| {
            move |root: &Path| {
                fs::create_dir_all(root.join(name).parent().expect("a directory")).expect("a directory");
                fs::write(root.join(name), text).expect("a file");
            }
        };
        check(write("model/a.graphql", "type B"), Some(MODEL));
        check(write("model/b.graphql", "type B"), Some(MODEL));
        check(write("packs/b/b.graphql", "type B"), Some(MODEL));
        check(write("backstay.toml", "x = 1"), Some(SETTINGS));
        check(write("functions/a.ts", "export {}"), Some(FUNCTION));
        check(write("functions/lib/b.ts", "export {}"), Some(FUNCTION));
        check(write("mail/a.en.txt", "Subject: a"), Some(MAILS));
        check(write("seed/A.jsonl", "{}\n{}"), Some(SEEDS));
        check(write("packs/b/seed/B.jsonl", "{}"), Some(SEEDS));
        check(|root| fs::remove_file(root.join("backstay.toml")).expect("a file"), Some(SETTINGS));
        check(|root| fs::remove_dir_all(root.join("model")).expect("a directory"), Some(MODEL));
        check(
            |root| fs::rename(root.join("model/a.graphql"), root.join("model/b.graphql")).expect("a file"),
            Some(MODEL),
        );
        let all = Changes { settings: true, model: true, seeds: true, ..NONE };
        check(
            |root| {
                for name in ["backstay.toml", "model/a.graphql", "seed/A.jsonl"] {
                    fs::write(root.join(name), "another text").expect("a file");
                }
            },
            Some(all),
        );
    }

    #[test]
    fn the_same_content_is_no_change() {
        let same = Some(Changes::default());
        check(|_| (), None);
        let written = |root: &Path| fs::write(root.join("model/a.graphql"), "type A").expect("a file");
        check(written, same);
        let replaced = |root: &Path| {
            fs::write(root.join("model/.a.swp"), "type A").expect("a file");
            fs::rename(root.join("model/.a.swp"), root.join("model/a.graphql")).expect("a file");
        };
        check(replaced, same);
        for passed_over in ["model/.a.swp", "model/a.graphql~", "model/notes.md", "other/a.graphql"] {
            let write = |root: &Path| {
                fs::create_dir_all(root.join("other")).expect("a directory");
                fs::write(root.join(passed_over), "type B").expect("a file");
            };
            check(write, None);
        }
    }

    #[test]
    fn a_pipe_is_noticed_but_not_read() {
        let pipe = |root: &Path| {
            let made = std::process::Command::new("mkfifo").arg(root.join("model/b.graphql")).status();
            assert!(made.expect("mkfifo runs").success());
        };
        check(pipe, Some(MODEL));
    }
}
