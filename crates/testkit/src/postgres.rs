/// A PostgreSQL server for the tests of one process.
#[derive(Debug)]
pub struct Cluster {}
