//! One source for all databases: the cases, and what they are made of.
#![allow(dead_code, reason = "each test binary uses its part")]

pub mod cases;
pub mod script;

/// Makes a test of every case: `$store` is an expression that gives a store nobody else uses, and what keeps it alive.
macro_rules! conformance {
    ($store:expr) => {
        conformance!($store;
            a_create_can_be_read_and_is_logged
            the_log_never_holds_a_classified_value
            an_error_undoes_one_operation_alone
            one_write_that_fails_later_is_undone_too
            many_creates_share_commits_and_leave_no_gap
            a_staged_write_is_checked
            an_idempotency_key_answers_again
            what_only_reads_cannot_write
        );
    };
    ($store:expr; $($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let (store, _kept) = $store.await;
                $crate::conformance::cases::$case(&store).await;
            }
        )*
    };
}
pub(crate) use conformance;
