//! Everything that can grow has its limit here. Those that a caller can meet are part of the API.

/// Bytes of the word that names a place in a list: four sort keys of the longest `String` fit.
pub const CURSOR_BYTES: usize = 256 * 1024;
/// Bytes of one request body.
pub const BODY_BYTES: usize = 8 * 1024 * 1024;
/// Depth of arrays and objects in a JSON document.
pub const JSON_DEPTH: usize = 32;
/// Bytes of the text of one rule or filter.
pub const EXPRESSION_BYTES: usize = 4096;
/// Depth of nesting of one rule or filter, counted before it is parsed.
pub const EXPRESSION_DEPTH: usize = 32;
/// Nodes of one checked expression, named rules included.
pub const EXPRESSION_NODES: usize = 1000;
/// Parameters of one named rule.
pub const RULE_PARAMETERS: usize = 8;
/// Depth of aggregates over relations within one another, such as a sum of counts.
pub const AGGREGATE_DEPTH: usize = 3;
/// Parameters of one filter.
pub const FILTER_PARAMETERS: usize = 64;
/// Bytes of one value that a filter compares with: a parameter, or the value of `field=value`.
pub const FILTER_VALUE_BYTES: usize = 64 * 1024;
/// Bytes of the filters of one request that aren't known yet from which on reading and planning them waits its turn.
pub const LONG_FILTER_BYTES: usize = 1024;
/// Bytes of a body from which on reading it waits its turn: JSON of this size takes a millisecond or more.
pub const LONG_BODY_BYTES: usize = 256 * 1024;
/// Bytes of a list that is sent as JSON: the body of `:query`, or a `query` in a transaction.
pub const QUERY_BYTES: usize = 512 * 1024;
/// Records on a page where the request names no limit.
pub const PAGE_DEFAULT: u32 = 20;
/// Records on a page at most.
pub const PAGE_MAX: u32 = 500;

/// Records on the first page that an export reads. The others have about `EXPORT_BYTES`.
pub const EXPORT_RECORDS: u32 = 100;

/// Bytes that an export reads at a time.
pub const EXPORT_BYTES: usize = 1024 * 1024;
/// Records that a list looks at in its order before it is read from the caller's memberships, if both are possible: in these,
/// it has a page if the caller sees one in a hundred.
pub const WALKED_RECORDS: i64 = 2000;
/// Records that a list leaves out at most.
pub const SKIP_MAX: u32 = 10_000;
/// Records of a to-many relation that are embedded in one record at most.
pub const NESTED_MAX: u32 = 100;
/// Depth of `select`: relations within relations.
pub const SELECT_DEPTH: usize = 4;
/// Fields and relations in one `select`.
pub const SELECT_FIELDS: usize = 200;
/// Filters and functions of relations in one `select`.
pub const SELECT_EXPRESSIONS: usize = 20;
/// Digits of a `Decimal` at most.
pub const DECIMAL_DIGITS: u8 = 18;
/// Bytes of the filters in one `select`, together.
pub const SELECT_FILTER_BYTES: usize = 1024;
/// Bytes of one `select`, `sort` or cursor.
pub const PARAMETER_BYTES: usize = 4096;
/// The greatest version that a record can bring along when it is imported: many changes can follow.
pub const CARRIED_VERSION: i64 = i64::MAX / 2;
/// Bytes of one `search`.
pub const SEARCH_BYTES: usize = 1000;
/// Words in one `search`.
pub const SEARCH_WORDS: usize = 48;
/// Beginnings of words in one `search`: the index is read from each to the last word that begins so.
pub const SEARCH_PREFIXES: usize = 4;
/// Fields of a type that can be searched.
pub const SEARCH_FIELDS: usize = 16;
/// What the words of one record take in the index of a search, about; the words after that aren't found.
pub const SEARCH_ENTRY_BYTES: usize = 768 * 1024;
/// Words of one field that are found.
pub const SEARCH_FIELD_WORDS: usize = 16_000;
/// Records whose entries are written anew in one commit.
pub const REINDEXED_RECORDS: usize = 100;
/// Characters of a text that are shown around the words that a search finds in it.
pub const HIGHLIGHT_CHARS: usize = 200;
/// Words of a text among which those are looked for.
pub const HIGHLIGHT_WORDS: usize = 2000;
/// Fields in one `sort`.
pub const SORT_FIELDS: usize = 4;
/// Values that records are grouped by together.
pub const GROUP_KEYS: usize = 8;
/// Values that groups of records come to in one request.
pub const GROUP_VALUES: usize = 20;
/// `count=true` counts exactly up to here.
pub const COUNT_MAX: u64 = 10_000;
/// The most violations that one answer names.
pub const VIOLATIONS: usize = 50;
/// Records in one create request.
pub const BATCH_RECORDS: usize = 1000;
/// Records that one request changes or deletes by a filter: as many as a page holds.
pub const MATCHED_RECORDS: u32 = PAGE_MAX;
/// Levels of records in one write, each the children of the one before; as many as an answer has.
pub const NESTED_LEVELS: usize = 4;
/// Records and links that one request creates or changes at most.
pub const WRITE_ROWS: usize = 10_000;
/// Bytes that one request stores at most: the values that it writes, and the versions that histories keep because of it.
pub const WRITE_BYTES: usize = 64 * 1024 * 1024;
/// Pages that an operation uses while it writes, beside those that small records take, before it is run again in a commit of
/// its own. In one that it shares, SQLite keeps in memory what it has changed, to be able to undo it alone.
pub const SHARED_PAGES: u32 = 16 * 1024;
/// Bytes of records that a deletion reads before it writes what becomes of them.
pub const DELETION_READ_BYTES: usize = 1024 * 1024;
/// Depth of unique keys that name records by the unique keys of others.
pub const KEY_DEPTH: usize = 3;
/// Elements of one list field or to-many relation in a write.
pub const LIST_ITEMS: usize = 1000;
/// Characters of a `String`.
pub const STRING_CHARS: usize = 10_000;
/// Bytes of a `Text` without a limit of its own, where nothing else is configured.
pub const TEXT_BYTES: usize = 1024 * 1024;
/// Bytes of a `JSON` document, where nothing else is configured.
pub const JSON_BYTES: usize = 1024 * 1024;
/// Bytes of the key of a record, if it is a text.
pub const KEY_BYTES: usize = 64;
/// Levels of a tree of records, the root included.
pub const TREE_LEVELS: usize = 32;
/// Characters of a slug that is generated from a text.
pub const SLUG_CHARS: usize = 100;
/// The smallest maximum that `@length` may set on a `@slug` field.
pub const SLUG_CHARS_LEAST: usize = 16;
/// Characters of a made slug that are kept for its number, with the hyphen before it.
pub const SLUG_ENDING_CHARS: usize = 9;
/// Numbered variants of a slug that are read, at most, to find a free number. If there are more, random characters replace
/// the number.
pub const SLUG_NUMBERS: u32 = 1000;
/// Attempts of a transaction whose slugs other transactions took first.
pub const SLUG_RUNS: u32 = 8;
/// Fields in which two records must be the same for one `@exclude`: an index has these and the start of the range.
pub const EXCLUSION_FIELDS: usize = 7;
/// Fields by which one `@sequence` counts.
pub const SEQUENCE_FIELDS: usize = 4;
/// Characters of the `format` of a `@sequence`.
pub const SEQUENCE_FORMAT_CHARS: usize = 100;
/// Digits to which the `format` of a `@sequence` fills up a number.
pub const SEQUENCE_DIGITS: usize = 15;
/// The highest number from which a sequence goes on: it has `SEQUENCE_DIGITS` digits. A higher one that a seed or a stored
/// record brings is kept, and doesn't count.
pub const SEQUENCE_MOST: i64 = 999_999_999_999_999;
/// Numbers of a series without `gapless:` that one transaction reserves at a time, at most.
pub const SEQUENCE_RESERVED: i64 = 1024;
/// Characters of an `Email` (RFC 5321, section 4.5.3.1.3, less the angle brackets).
pub const EMAIL_CHARS: usize = 254;
/// Characters of a `Url`.
pub const URL_CHARS: usize = 2048;
/// Bytes of the longest text that `lower`, `upper` and `fold` change, and that `replace` makes, in an expression.
pub const CHANGED_TEXT_BYTES: usize = 1024 * 1024;
/// Patterns in one expression.
pub const EXPRESSION_PATTERNS: usize = 10;
/// Bytes of the text of a pattern.
pub const PATTERN_BYTES: usize = 1000;
/// Groups and repetitions of a pattern within each other.
pub const PATTERN_DEPTH: u32 = 32;
/// Bytes that a compiled pattern takes.
pub const PATTERN_PROGRAM_BYTES: usize = 512 * 1024;
/// Places of a pattern at which a text can be at the same time: its characters, as often as they are repeated.
pub const PATTERN_PLACES: usize = 4000;
/// Parts of a pattern that can be left out, as often as they are repeated: PostgreSQL takes 50 ms to compile so many.
pub const PATTERN_OPTIONAL_PARTS: usize = 100;
/// Bytes of the longest text that is compared with a pattern.
pub const MATCHED_BYTES: usize = 64 * 1024;
/// Places of a pattern times bytes of a text that is compared with it: 50 ms at most.
pub const MATCH_WORK: usize = 8_000_000;
/// Bytes of an idempotency key.
pub const IDEMPOTENCY_KEY_BYTES: usize = 255;
/// Hours for which an idempotency record is kept.
pub const IDEMPOTENCY_HOURS: i64 = 24;
/// How long the id of an event that an inbox received is kept, so that it has no effect again.
pub const INBOX_DAYS: i64 = 30;
/// Signatures of one event that are compared.
pub const INBOX_SIGNATURES: usize = 10;
/// How far the clocks of the sender of an event and of the server may be apart, and how old an event may be.
pub const INBOX_SECONDS: i64 = 300;
/// Expired records of one type that are purged from the trash at a time.
pub const PURGE_RECORDS: usize = 100;
/// Seconds between two searches for expired records.
pub const PURGE_SECONDS: u64 = 60;
/// Records of one type and state that are looked for at a time because a timer (`@at`) is due.
pub const DUE_RECORDS: usize = 256;
/// Of these, how many change in one commit.
pub const FIRED_TOGETHER: usize = 64;
/// Milliseconds between two looks for due records, unless one is known to be due earlier.
pub const TIMER_MILLIS: i64 = 500;
/// Seconds after which a record that couldn't change at its moment is tried again although nothing has changed it.
pub const TIMER_AGAIN_SECONDS: i64 = 60;
/// Records that couldn't change of which a process knows that; of others it finds out again.
pub const TIMERS_REFUSED: usize = 100_000;
/// Records whose sums with `stored: COMMIT` one request may update.
pub const SUM_RECORDS: usize = 1000;
/// Sums with `stored: SOON` that are written in one commit.
pub const REFRESHED_SUMS: usize = 100;
/// Steps of an embedded database, in thousands, after which no further ones are computed for that commit.
pub const REFRESH_KILO_STEPS: u64 = 10_000;
/// Entries of their queue that are merged in one commit before they are computed.
pub const MERGED_ENTRIES: usize = 2000;
/// Milliseconds between two looks at the queue of these sums.
pub const REFRESH_MILLIS: u64 = 250;
/// Seconds of work on the queue after which the log says how long it is.
pub const REFRESH_LATE_SECONDS: u64 = 5;
/// Records of which one commit may have to ask checks at commit.
pub const COMMIT_CHECK_RECORDS: usize = 1000;
/// Other records that the deletions of one transaction may delete or change through `@onDelete`.
pub const DELETION_RECORDS: usize = 10_000;
/// Records that one step of a deletion deletes or changes, where one commit is too little for all: so few that with a stored sum of
/// each it isn't large, and doesn't wait for others as large operations do.
pub const DELETION_STEP_RECORDS: usize = LARGE_CHANGES / 2 - 1;
/// Records that can refuse a deletion which takes more than one commit, or are deleted by it and could be the reason, at most: all of
/// them are looked at before the first step.
pub const DELETION_SURVEY_RECORDS: usize = 1_000_000;
/// Members of a many-to-many relation that are read to find out what a write changes in it.
pub const LINKS_READ: u64 = 100_000;
/// Seconds that one request may take.
pub const REQUEST_SECONDS: u64 = 30;
/// Virtual-machine steps, in thousands, of a read on the worker before it moves to the reader pool.
pub const READ_KILO_STEPS: u32 = 20;
/// Bytes that a read on the worker makes of its rows before it moves to the reader pool.
pub const READ_BYTES: usize = 64 * 1024;
/// Virtual-machine steps, in thousands, of one transaction on the writer or one read in the reader pool.
pub const TRANSACTION_KILO_STEPS: u32 = 50_000;
/// The same, of several requests that write and read in one transaction: their reads hold up the writer.
pub const MIXED_KILO_STEPS: u32 = 10_000;
/// Seconds that a search may take on PostgreSQL, which doesn't count its steps.
pub const SEARCH_SECONDS: u64 = 5;
/// The same of any other statement outside of a transaction.
pub const READ_SECONDS: u64 = 10;
/// Transactions that share one commit at most.
pub const GROUP_TRANSACTIONS: usize = 256;
/// Transactions that wait for the writer before new ones are refused.
pub const WRITER_QUEUE: usize = 8192;
/// The same, of one source, so that several of them find room.
pub const SOURCE_WRITER_QUEUE: usize = 4096;
/// The same, of one flow.
pub const FLOW_WRITER_QUEUE: usize = 2048;
/// Reads that wait for the reader pool before new ones are refused.
pub const READER_QUEUE: usize = 1024;
/// The same, of one source, so that several of them find room.
pub const SOURCE_READER_QUEUE: usize = 512;
/// The same, of one flow.
pub const FLOW_READER_QUEUE: usize = 64;
/// Sources, and flows of one source, whose share of the time is known while others wait; beyond that, those that wait for
/// nothing are forgotten.
pub const KNOWN_FLOWS: usize = 32_768;
/// Milliseconds of work after which operations of other flows wait for the next commit.
pub const GROUP_MILLIS: u64 = 50;
/// Milliseconds for which an operation may hold the writer before it is run again in a commit of its own, if other flows
/// wait for it.
pub const SHARED_HOLD_MILLIS: u64 = 100;
/// Milliseconds for which an operation in a commit of its own may hold the writer before it is refused, if other flows
/// wait for it.
pub const HOLD_MILLIS: u64 = 1000;
/// Milliseconds of one operation on the writer from which on it counts as long.
pub const LONG_OPERATION_MILLIS: u64 = 20;
/// How much longer than a long operation held the writer the next one waits at least, if flows without long operations
/// write: it may have a tenth of the time.
pub const LONG_OPERATION_PAUSE: u32 = 9;
/// Changes of one transaction from which on it is large: it counts as long earlier, and its flow has a smaller share.
pub const LARGE_CHANGES: usize = 100;
/// The same, bytes of its entry in the commit log.
pub const LARGE_LOG_BYTES: usize = 64 * 1024;
/// The same, bytes of the values that it writes.
pub const LARGE_WRITTEN_BYTES: usize = 256 * 1024;
/// Milliseconds of a large operation on the writer from which on it counts as long.
pub const LARGE_OPERATION_MILLIS: u64 = 8;
/// Bytes of values that are worth a millisecond on the writer: what a large operation has written costs others time after its
/// commit, too.
pub const LARGE_BYTES_PER_MILLI: u64 = 100 * 1024;
/// How much longer than a large operation of an account held the writer the next one waits, if flows without long operations write:
/// of the requests of these, less than one in a hundred then waits for one.
pub const LARGE_OPERATION_PAUSE: u32 = 99;
/// The same after one of an anonymous caller.
pub const ANONYMOUS_OPERATION_PAUSE: u32 = 249;
/// Milliseconds for which an operation of an anonymous caller may hold the writer before it is refused, if other flows wait for it.
pub const ANONYMOUS_HOLD_MILLIS: u64 = 250;
/// Seconds for which a long operation waits at most after a large one of the same network.
pub const LARGE_OPERATION_PAUSE_SECONDS: u64 = 20;
/// The same, after a large one of any flow, unless that would be more than a tenth of the time.
pub const LONG_OPERATION_PAUSE_SECONDS: u64 = 10;
/// Seconds after a long operation for which all operations of its flow count as long.
pub const LONG_FLOW_SECONDS: u64 = 10;
/// Characters of a password at most; the least is configured.
pub const PASSWORD_CHARS_MAX: usize = 256;
/// Sessions of one account or operator; the oldest ends where one more begins.
pub const SESSIONS_PER_ACCOUNT: u32 = 100;
/// Claims of one account or key.
pub const CLAIMS: usize = 32;
/// Characters of one claim's value.
pub const CLAIM_CHARS: usize = 1000;
/// Pairs of a collection and an action in the grant of one key.
pub const GRANT_ENTRIES: usize = 500;
/// Bytes, as JSON, up to which the values that rules read of a caller's own record are cached with the session.
pub const REMEMBERED_ACCOUNT_BYTES: usize = 1024;
/// Callers that are recognised without a statement.
pub const KNOWN_CALLERS: usize = 100_000;
/// Accounts and addresses whose attempts are counted at one time.
pub const ATTEMPT_BUCKETS: usize = 100_000;
/// Entries of the commit log that are read at a time to find what has changed.
pub const CHANGES_ENTRIES: u32 = 64;
/// How often as many are read before what was found in them is.
pub const CHANGES_STEPS: u32 = 50;
/// How often that is done to fill one response.
pub const CHANGES_ROUNDS: u32 = 16;
/// Links that one network may make before the next has to wait.
pub const SECRET_LINKS_PER_ADDRESS: u32 = 100;
/// Secret links of one account; the oldest make room for new ones.
pub const SECRET_LINKS_PER_ACCOUNT: u32 = 100;
/// Links that are looked at, and removed if they have expired, in one step.
pub const EXPIRED_SECRET_LINKS: u32 = 100;
/// Networks from which somebody has signed in to an account, of all accounts, that are remembered at one time.
pub const FAMILIAR_NETWORKS: usize = 100_000;
/// How often as many attempts at an account are counted from all networks that never signed in to it as from one network.
pub const STRANGERS_FACTOR: u32 = 10;
/// Password hashes that wait for the hashing pool before new ones are refused.
pub const HASHING_QUEUE: usize = 256;
/// Files of a model.
pub const MODEL_FILES: usize = 1000;
/// Bytes of one model file.
pub const MODEL_FILE_BYTES: usize = 1024 * 1024;
/// Depth of brackets in a model file, counted before it is parsed.
pub const MODEL_DEPTH: usize = 64;
/// Diagnostics of one model that are shown; the rest are counted.
pub const MODEL_DIAGNOSTICS: usize = 100;
/// Types of a model, those of the system model included.
pub const MODEL_COLLECTIONS: usize = 1000;
/// Relations in documents of a model, one for each field that holds the documents and each type of record that they refer
/// to: each has a table, and a deletion asks those that lead to its type.
pub const MODEL_MENTIONS: usize = 1000;
/// Enums of a model, those of the system model included.
pub const MODEL_ENUMS: usize = 1000;
/// Fields of one type, the four that every type has included.
pub const MODEL_FIELDS: usize = 200;
/// Bytes of the path of a route.
pub const ROUTE_BYTES: usize = 200;
/// Actions of a model, routes included.
pub const MODEL_ACTIONS: usize = 500;
/// Clauses (`@allow`) of one type: each is evaluated for each record that is read or changed.
pub const MODEL_CLAUSES: usize = 20;
/// Values of one enum.
pub const MODEL_ENUM_VALUES: usize = 500;
/// Types of one union of types with records: each has a column of its own, and a join if a read follows the reference.
pub const RECORD_UNION_TYPES: usize = 20;
/// Types with records of one interface with a path: a read of it is one SELECT of each.
pub const INTERFACE_TYPES: usize = 20;
/// Levels of embedded values within each other; that of the record's own field is the first.
pub const EMBEDDED_DEPTH: usize = 4;
/// Characters of the name of a type, field, enum, value or rule, and of what becomes of it in the database.
pub const MODEL_NAME_CHARS: usize = 48;
/// Bytes of the path and query of one request.
pub const TARGET_BYTES: usize = 32 * 1024;
/// Bytes of the names and values of one request's headers.
pub const HEADER_BYTES: usize = 32 * 1024;
/// Bytes of the body of a request to `/auth/`.
pub const CREDENTIAL_BYTES: usize = 16 * 1024;
/// Seconds within which the head of a request arrives.
pub const HEADER_SECONDS: u64 = 30;
/// Seconds within which the body of a request arrives.
pub const BODY_SECONDS: u64 = 20;
/// Seconds for which nothing of a body may arrive before it is refused.
pub const BODY_STALL_SECONDS: u64 = 10;
/// Seconds for which a connection may stay open between requests: longer than the 60 that load balancers keep theirs.
pub const IDLE_SECONDS: u64 = 75;
/// Connections at one time; at the limit idle ones give way, and more are refused.
pub const CONNECTIONS: usize = 10_000;
/// Percent of the connections, and of the memory for requests and answers, that one network may use.
pub const NETWORK_PERCENT: u8 = 25;
/// Request bodies of one network that may be in transit at a time, not counting those that arrive with their head.
pub const NETWORK_BODIES: usize = 256;
/// Percent of the processors' time at the door from which on a network is heavy: others go first.
pub const HEAVY_PERCENT: u64 = 12;
/// Connections that are accepted in a row before requests go on.
pub const ACCEPTED_IN_A_ROW: u32 = 8;
/// Milliseconds for which a connection has waited for a request before it gives way to a new one.
pub const GIVE_WAY_MILLIS: u64 = 1000;
/// Seconds within which the first head of a new connection arrives while more than half of the connections are open.
pub const CROWDED_HEADER_SECONDS: u64 = 5;
/// Refused connections and bodies that may be answered at a time; further ones are closed without a response.
pub const LINGERING: usize = 64;
/// The same, of one network, so that others' clients see why they are refused.
pub const NETWORK_LINGERING: usize = LINGERING / 4;
/// Bytes of refused requests that are read and discarded for one network at once, before their connections are closed.
pub const LINGER_BYTES: u32 = 16 * 1024 * 1024;
/// The same per second from then on: reading what nobody needs takes time from requests that are carried out.
pub const LINGER_BYTES_PER_SECOND: u32 = 8 * 1024 * 1024;
/// Seconds for which a client may take nothing of an answer before its connection is cut off.
pub const STALL_SECONDS: u64 = 20;
/// Bytes per second at which a client sends a body and takes an answer at least, from when the server waits for it:
/// 64 kbit/s.
pub const PACE_BYTES_PER_SECOND: u64 = 8 * 1024;
/// Bytes of an answer that the system buffers for one connection. Progress shows in steps of about a third of it.
pub const SEND_BUFFER_BYTES: usize = 256 * 1024;
/// Bytes that all requests, and answers until they are written, hold at one time.
pub const MEMORY_BYTES: usize = 256 * 1024 * 1024;
/// Bytes that one request counts as at least until its answer is written: its head, and a small body and answer.
pub const REQUEST_MEMORY_BYTES: usize = 64 * 1024;
/// Bytes that a request counts as at least while its body arrives, and the steps in which memory is counted. A head counts
/// from when it is larger.
pub const MEMORY_STEP_BYTES: usize = 8 * 1024;
/// Bytes that one network may hold in any case: the largest body with what is read from it, or the largest answer.
pub const NETWORK_MEMORY_BYTES: usize = 32 * 1024 * 1024;
/// Seconds for which requests under way may go on when the server is asked to stop.
pub const DRAIN_SECONDS: u64 = 20;
/// Bytes from which an answer is compressed for a client that can read it so.
pub const COMPRESS_BYTES: usize = 1024;
/// Relations that one SELECT of a request leads through, those of its rules included; SQLite joins 64 tables.
pub const STATEMENT_RELATIONS: usize = 60;
/// Relations that the rules of one type and its fields may lead through: the rest is for what requests add.
pub const RULE_RELATIONS: usize = 40;
/// Requests that one call of an action makes.
pub const ACTION_REQUESTS: usize = 1000;
/// How often a transaction of an action runs if what it has read changes each time.
pub const BLOCK_RUNS: u32 = 16;
/// Runs of a transaction of an action that follow one another at once; those after them wait for a random moment.
pub const BLOCK_QUICK_RUNS: u32 = 3;
/// Milliseconds that the first of them waits at most; each of the next ones waits twice as long.
pub const BLOCK_PAUSE_MILLIS: u64 = 4;
/// Milliseconds that any of them waits at most.
pub const BLOCK_PAUSE_MILLIS_MOST: u64 = 64;
/// Callers and addresses whose calls of actions with `@limit` are counted at one time.
pub const CALL_RATES: usize = 100_000;
/// Bytes of all files of `functions/` together.
pub const FUNCTION_SOURCE_BYTES: usize = 8 * 1024 * 1024;
/// Files in `functions/`.
pub const FUNCTION_FILES: usize = 1000;
/// Memory of one call of a function.
pub const FUNCTION_BYTES: usize = 64 * 1024 * 1024;
/// Memory of a call of a function before objects that refer to each other are looked for that nothing else refers to.
pub const FUNCTION_GARBAGE_BYTES: usize = 4 * 1024 * 1024;
/// Of the stack of a thread, what a function may use.
pub const FUNCTION_STACK_BYTES: usize = 512 * 1024;
/// The stack of a thread that runs functions: what the engine checks, and room for what it calls in between.
pub const FUNCTION_THREAD_STACK_BYTES: usize = 4 * 1024 * 1024;
/// Milliseconds of a processor that one call of a function may use.
pub const FUNCTION_CPU_MILLIS: u64 = 1000;
/// Seconds that a function may run between two requests, including the time that it waits for a processor.
pub const FUNCTION_STEP_SECONDS: u64 = 8;
/// Seconds for which a call that has no time left is waited for. A loop in the engine's own code can't be interrupted: its
/// thread is then given up.
pub const FUNCTION_GRACE_SECONDS: u64 = 2;
/// Seconds that a call of a function may take, whatever it waits for.
pub const FUNCTION_SECONDS: u64 = 30;
/// Calls of functions that run at the same time, so that their memory is bounded: 1 GiB. Others wait.
pub const FUNCTION_CALLS: usize = 16;
/// The same of hooks before changes, for which such calls wait.
pub const HOOK_CALLS: usize = 4;
/// Calls of functions that wait for one of these places before new ones are refused.
pub const FUNCTION_QUEUE: usize = 1024;
/// The same, of one source, so that several of them find room.
pub const SOURCE_FUNCTION_QUEUE: usize = 512;
/// The same, of one flow.
pub const FLOW_FUNCTION_QUEUE: usize = 256;
/// Bytes of the arguments of a function, of one request of it, and of one answer.
pub const FUNCTION_TEXT_BYTES: usize = 16 * 1024 * 1024;
/// Lines that one call of a function writes to the log.
pub const FUNCTION_LOG_LINES: usize = 200;
/// Bytes of one of them.
pub const FUNCTION_LOG_LINE_BYTES: usize = 8 * 1024;
/// Isolates that are ready before a call needs them.
pub const FUNCTION_WARM_ISOLATES: usize = 2;
/// Isolates that wait to be made ahead or put back while no call needs a thread. Further ones are dropped.
pub const FUNCTION_SPARE: usize = 4;
/// Threads that loops in the engine of functions keep for ever, before no more are started in their place.
pub const FUNCTION_LOST_THREADS: usize = 8;
/// Characters of the name of a secret.
pub const SECRET_NAME_CHARS: usize = 64;
/// Bytes of the value of a secret.
pub const SECRET_BYTES: usize = 16 * 1024;
/// Requests of one transaction.
pub const TRANSACTION_REQUESTS: usize = 100;
/// Bytes of the name that a request of a transaction has for later ones.
pub const REFERENCE_NAME_BYTES: usize = 64;
/// Bytes of a reference to a value in the result of an earlier request.
pub const REFERENCE_BYTES: usize = 512;
/// Objects and arrays around a reference: each of them is read again to find it.
pub const REFERENCE_DEPTH: usize = 32;
/// References in one body.
pub const REFERENCES: usize = 1_000;
/// Bytes of the values that one request takes from earlier answers.
pub const REFERRED_BYTES: usize = 1 << 20;
/// Bytes of the answers that one request looks through for them: an answer counts for each of its values that is used.
pub const REFERENCE_SCAN_BYTES: usize = 64 << 20;
/// Bytes of one record, written as JSON: less than an answer, so that no record stands in the way of a list.
pub const RECORD_BYTES: usize = 12 * 1024 * 1024;
/// Bytes of one answer.
pub const ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of the largest value or row in an SQLite database, as SQLite counts them: an entry of the commit log is one.
pub const STORED_VALUE_BYTES: i32 = 32 * 1024 * 1024;
/// Bytes that each nested list of a row may have, however many lists the row has.
pub const LIST_BYTES: usize = 2 * 1024 * 1024;
/// Bytes that an embedded database keeps, as long as one statement runs, of the documents that it takes apart there.
pub const DOCUMENT_MEMORY_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of a statement's text from which on it is not kept: texts that long are seldom asked twice.
pub const KEPT_STATEMENT_BYTES: usize = 16 * 1024;
/// Bytes of memory, estimated, in the plans that are kept for requests.
pub const KEPT_PLANS_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of memory, estimated, in the meanings of texts in requests that are kept, of each kind of text.
pub const KEPT_TEXTS_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of one line of a file that is imported: a record that is as large as one may be, with its links.
pub const LINE_BYTES: usize = 2 * RECORD_BYTES;
/// Bytes of a text in a request (`select`, `sort`, `filter`) from which on its meaning is not kept.
pub const KEPT_TEXT_BYTES: usize = 4 * 1024;
/// Parameters of one URL, and members of an object that holds no record.
pub const PARAMETERS: usize = 300;
/// Connections to a database server, unless the settings say otherwise.
pub const DATABASE_CONNECTIONS: usize = 16;
/// Milliseconds for which a process may not have heard what others committed in its database before it trusts nothing that it
/// remembers of it.
pub const UNHEARD_MILLIS: u64 = 1000;
/// Milliseconds within which a replica has to connect and to say whether it is up to date, before its primary is asked instead.
pub const REPLICA_SILENT_MILLIS: u64 = 1000;
/// Seconds for which a write waits for another transaction's lock on a database server.
pub const LOCK_SECONDS: u64 = 5;
/// Seconds for which a transaction on a database server may wait for its next statement, before the server ends its connection:
/// its process was stopped, and others wait for its locks.
pub const IDLE_TRANSACTION_SECONDS: u64 = 10;
/// Seconds for which the keeper of a database may send nothing to the server before that ends its connection, so that another
/// process becomes the keeper.
pub const KEEPER_IDLE_SECONDS: u64 = 5;
/// Milliseconds after its last statement for which a process counts itself as the keeper: well below `KEEPER_IDLE_SECONDS`.
pub const KEEPER_TRUST_MILLIS: u64 = 2000;
/// Seconds for which a database server without a free connection, or one that is starting, is tried again.
pub const CONNECTION_WAIT_SECONDS: u64 = 10;
/// Bytes of the write-ahead log from which on long reads wait until those that run have ended and it begins anew.
pub const LOG_BYTES: u64 = 192 * 1024 * 1024;
/// Bytes that the write-ahead log may grow by during a backup, which needs all of it.
pub const BACKUP_LOG_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// Entries of the commit log that are pruned in one transaction.
pub const PRUNED_ENTRIES: u32 = 256;
/// Bytes of entries after which one transaction prunes no further ones.
pub const PRUNED_BYTES: usize = 1024 * 1024;
/// Deleted records in entries after which one transaction prunes no further ones: their last versions are kept.
pub const PRUNED_RECORDS: usize = 1000;
/// How often, in milliseconds, a process checks whether the background work of its database is up to it.
pub const KEEPER_MILLIS: u64 = 100;
/// Seconds between two prunings of the commit log.
pub const PRUNE_SECONDS: u64 = 3600;
/// Retries that `@job` can ask for.
pub const JOB_RETRIES: u32 = 30;
/// Bytes of a cron expression.
pub const CRON_BYTES: usize = 200;
/// Schedules of one model.
pub const SCHEDULES: usize = 200;
/// Seconds after its time at which a scheduled job counts as missed.
pub const SCHEDULE_GRACE_SECONDS: i64 = 60;
/// Days after which missed times of a schedule aren't made up for, whatever it says.
pub const SCHEDULE_MISSED_DAYS: i64 = 7;
/// Jobs of one kind that one server runs at the same time, at the most that `@job` can ask for.
pub const JOB_CONCURRENCY: u32 = 1000;
/// Jobs of all kinds that one server runs at the same time.
pub const JOBS_RUNNING: usize = 256;
/// Jobs that are claimed, and whose ends are kept, in one transaction.
pub const JOBS_TOGETHER: u32 = 200;
/// Seconds after which a job that runs is due again, unless its server extends that: it has died otherwise.
pub const JOB_LEASE_SECONDS: i64 = 60;
/// Seconds between two extensions.
pub const JOB_EXTEND_SECONDS: u64 = 15;
/// Seconds that one attempt at a job may take.
pub const JOB_SECONDS: u32 = 300;
/// Seconds that a job can be given.
pub const JOB_SECONDS_MOST: u32 = 3600;
/// Milliseconds between two of its reports that are stored.
pub const JOB_REPORT_MILLIS: u64 = 1000;
/// How often the last report of a job is tried while its lease is extended.
pub const JOB_REPORT_TRIES: u32 = 5;
/// Characters of the note in a report.
pub const JOB_NOTE_CHARS: usize = 200;
/// Moments at which jobs are due, within one `clock.advance` of a test.
pub const TEST_MOMENTS: usize = 10_000;
/// Jobs that changes queue, each by what the one before has changed.
pub const HOOK_DEPTH: u32 = 32;
/// Changes of one transaction for which a hook before them is called at once.
pub const HOOK_CALL_CHANGES: usize = 200;
/// Bytes of them.
pub const HOOK_CALL_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of changes that one run of a transaction notes for the hooks before them. The next run goes on.
pub const HOOK_RUN_BYTES: usize = 16 * 1024 * 1024;
/// How often a transaction runs again for the hooks before its changes without getting further, or because something has changed
/// that they have read.
pub const HOOK_RUNS: u32 = 32;
/// Milliseconds between two looks for jobs that are due, while there are some that can't begin yet.
pub const JOB_MILLIS: u64 = 250;
/// Seconds after which jobs that are due are looked for, even if no job has changed as far as the server knows.
pub const JOB_QUIET_SECONDS: u64 = 5;
/// Jobs that are due of kinds of which as many run as may, that a server keeps in mind.
pub const JOBS_HELD_BACK: usize = 2000;
/// Milliseconds after which a job is looked at again that is due while as many of its kind run as may, and more such jobs wait than
/// a server keeps in mind.
pub const JOB_LATER_MILLIS: i64 = 500;
/// Seconds before the first retry; each later one is twice as far away.
pub const JOB_RETRY_SECONDS: i64 = 5;
/// The most seconds between two attempts.
pub const JOB_RETRY_SECONDS_MOST: i64 = 6 * 3600;
/// Days for which jobs are kept that have ended.
pub const JOB_KEPT_DAYS: i64 = 7;
/// Bytes of what a job takes, and of its result and the text of its error that are kept.
pub const JOB_BYTES: usize = 64 * 1024;
/// Mails that one server hands over at the same time, and connections to the mail server.
pub const MAIL_CONCURRENCY: u32 = 8;
/// How often a mail is tried: for about two days.
pub const MAIL_ATTEMPTS: u32 = 20;
/// Seconds that a mail server may take for each of its replies.
pub const MAIL_SECONDS: u64 = 60;
/// Seconds for which a connection to the mail server is kept that nothing uses.
pub const MAIL_IDLE_SECONDS: u64 = 30;
/// Bytes of the text of a mail, of its HTML, and of a file with a template.
pub const MAIL_BYTES: usize = 1024 * 1024;
/// Characters of the subject of a mail.
pub const MAIL_SUBJECT_CHARS: usize = 300;
/// Bytes of an address with its name.
pub const MAIL_ADDRESS_BYTES: usize = 1000;
/// Steps that the template of a mail may take.
pub const MAIL_FUEL: u64 = 1_000_000;
/// Jobs that an operator can list at a time.
pub const JOBS_LISTED: usize = 10_000;
/// Characters of the key of a job or of a series.
pub const JOB_KEY_CHARS: usize = 200;
/// Entries of the commit log that are read at a time for webhooks.
pub const WEBHOOK_ENTRIES: u32 = 256;
/// Webhook messages to one endpoint that are queued, replayed or removed in one transaction.
pub const WEBHOOK_MESSAGES_TOGETHER: u32 = 500;
/// Webhook messages to one endpoint that may wait. What else it hasn't received stays in the commit log.
pub const WEBHOOK_BACKLOG: u32 = 10_000;
/// Entries of the commit log with nothing for an endpoint after which the place that was reached is stored nevertheless.
pub const WEBHOOK_PLACES_UNTOLD: u64 = 1000;
/// Attempts to deliver webhook messages that one process has under way.
pub const WEBHOOK_ATTEMPTS: usize = 256;
/// Those to one endpoint.
pub const WEBHOOK_ATTEMPTS_PER_ENDPOINT: usize = 16;
/// Webhook messages that are due at one time, as far as they are looked at.
pub const WEBHOOK_DUE: u32 = 20_000;
/// Seconds after which it is looked at the latest whether a webhook message is due.
pub const WEBHOOK_QUIET_SECONDS: u64 = 2;
/// Seconds for which one attempt to deliver a webhook message may take.
pub const WEBHOOK_ATTEMPT_SECONDS: u64 = 20;
/// Seconds after which a message that was claimed is due again: the process that claimed it has died.
pub const WEBHOOK_CLAIM_SECONDS: i64 = 30;
/// Bytes of the body of an endpoint's answer. Nothing of it is used.
pub const WEBHOOK_ANSWER_BYTES: usize = 64 * 1024;
/// Days for which every attempt fails before an endpoint is disabled.
pub const WEBHOOK_FAILING_DAYS: i64 = 5;
/// Days for which messages are kept that were given up.
pub const WEBHOOK_LETTER_DAYS: i64 = 30;
/// Dead letters that are shown of an endpoint.
pub const WEBHOOK_LETTERS: usize = 100;
/// Milliseconds between two looks for webhook messages that are due, and for changes that endpoints are told of.
pub const WEBHOOK_MILLIS: u64 = 250;
/// Bytes of the traces that the inspector keeps.
pub const INSPECTOR_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of one of them; parts beyond that are counted as omitted.
pub const TRACE_BYTES: usize = 512 * 1024;
/// Rules, statements, log lines, and so on, of one of them.
pub const TRACE_PARTS: usize = 500;
/// Traces that the inspector lists, unless it is asked for another number.
pub const INSPECTOR_LIST: usize = 200;
/// Minutes for which an operator can have a server inspected.
pub const INSPECTOR_MINUTES: u32 = 24 * 60;
/// Bytes of the name that another system gives the trace that a request belongs to.
pub const TRACE_PARENT_BYTES: usize = 128;
/// Steps of a path to the accounts that a change notifies.
pub const NOTIFY_STEPS: usize = 4;
/// Accounts that one change notifies by one path, and records on the way to them. Further ones are left out.
pub const NOTIFIED: u32 = 1000;
/// Notifications that one transaction queues. Further ones are left out.
pub const NOTIFICATIONS: usize = 10_000;
/// Bytes of a statement, or of one of its values, in a trace.
pub const TRACE_TEXT_BYTES: usize = 4096;
