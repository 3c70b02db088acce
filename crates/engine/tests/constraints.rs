//! What a model says of the values of many records together, on both databases.

#[path = "constraints/children.rs"]
mod children;
#[path = "constraints/commit_checks.rs"]
mod commit_checks;
#[path = "constraints/exclude.rs"]
mod exclude;
#[path = "constraints/gone.rs"]
mod gone;
#[path = "constraints/gone_documents.rs"]
mod gone_documents;
#[path = "constraints/history.rs"]
mod history;
#[path = "constraints/keys.rs"]
mod keys;
#[path = "constraints/large_deletions.rs"]
mod large_deletions;
#[path = "constraints/link_changes.rs"]
mod link_changes;
#[path = "constraints/locking.rs"]
mod locking;
#[path = "constraints/opposite.rs"]
mod opposite;
#[path = "constraints/order.rs"]
mod order;
#[path = "constraints/other_keys.rs"]
mod other_keys;
#[path = "constraints/restored.rs"]
mod restored;
#[path = "constraints/search.rs"]
mod search;
#[path = "constraints/sequence.rs"]
mod sequence;
#[path = "constraints/slug.rs"]
mod slug;
#[path = "constraints/sum_checks.rs"]
mod sum_checks;
#[path = "constraints/sum_twins.rs"]
mod sum_twins;
#[path = "constraints/sums.rs"]
mod sums;
#[path = "constraints/sums_refused.rs"]
mod sums_refused;
#[path = "constraints/sums_soon.rs"]
mod sums_soon;
#[path = "constraints/support.rs"]
mod support;
#[path = "constraints/swaps.rs"]
mod swaps;
#[path = "constraints/trashed.rs"]
mod trashed;
#[path = "constraints/trees.rs"]
mod trees;
#[path = "constraints/unique.rs"]
mod unique;
