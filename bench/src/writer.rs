use std::path::Path;
use std::thread;

use anyhow::{Context, Result};
use backstay_base::{Ambient, IdSource, RecordId};
use rusqlite::{Connection, params};
use tokio::sync::{mpsc, oneshot};

/// What a client sends.
#[derive(Debug)]
pub struct Note {
    /// The text of the field `title`.
    pub title: String,
    /// The text of the field `body`.
    pub body: String,
    /// The id of its section.
    pub section: RecordId,
}

/// The writer's thread has ended.
#[derive(Debug, Clone, Copy)]
pub struct WriterError;

type Job = (Note, oneshot::Sender<RecordId>);

/// Inserts rows on a thread of its own. Waiting rows share one COMMIT and its fsync.
#[derive(Debug, Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    /// Creates a database file with the columns, primary key and indexes that Backstay would create for the collection,
    /// and starts the thread. At most `group` rows share a commit.
    pub fn open(file: &Path, group: usize) -> Result<Self> {
        let connection = Connection::open(file).context("opening the database")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(
            "CREATE TABLE note (id BLOB NOT NULL PRIMARY KEY, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
               version INTEGER NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, public INTEGER NOT NULL,
               author BLOB NOT NULL, section BLOB NOT NULL) STRICT;
             CREATE INDEX note_author ON note (author, id);
             CREATE INDEX note_section_created_at ON note (section, created_at, id);",
        )?;
        let (jobs, queue) = mpsc::channel(8192);
        thread::Builder::new().name("writer".into()).spawn(move || {
            if let Err(error) = work(&connection, queue, group) {
                eprintln!("control-insert: {error:#}");
            }
        })?;
        Ok(Self { jobs })
    }

    /// Inserts a row. Resolves when the COMMIT that contains it has returned.
    pub async fn insert(&self, note: Note) -> Result<RecordId, WriterError> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send((note, answer)).await.map_err(|_| WriterError)?;
        answered.await.map_err(|_| WriterError)
    }
}

fn work(connection: &Connection, mut queue: mpsc::Receiver<Job>, group: usize) -> Result<()> {
    let ambient = Ambient::system();
    let ids = IdSource::default();
    let author = ids.next(&ambient);
    let mut begin = connection.prepare("BEGIN IMMEDIATE")?;
    let mut insert = connection.prepare("INSERT INTO note VALUES (?1, ?2, ?2, 1, ?3, ?4, 1, ?5, ?6)")?;
    let mut commit = connection.prepare("COMMIT")?;
    let mut jobs = Vec::new();
    while queue.blocking_recv_many(&mut jobs, group) > 0 {
        begin.execute([])?;
        let mut answers = Vec::with_capacity(jobs.len());
        for (note, answer) in jobs.drain(..) {
            let id = ids.next(&ambient);
            let now = ambient.clock.now().micros();
            insert.execute(params![
                id.as_bytes(),
                now,
                note.title,
                note.body,
                author.as_bytes(),
                note.section.as_bytes()
            ])?;
            answers.push((answer, id));
        }
        commit.execute([])?;
        for (answer, id) in answers {
            // The client may have gone away.
            let _ = answer.send(id);
        }
    }
    Ok(())
}
