//! All cases as tests.

/// Makes a test of every case: `$store` is a function that opens a store of its own with an observer and a clock, and
/// returns it with what keeps it alive.
macro_rules! conformance {
    ($store:path) => {
        conformance!($store;
            a_create_can_be_read_and_is_logged
            the_log_never_holds_a_classified_value
            an_error_undoes_one_operation_alone
            one_write_that_fails_later_is_undone_too
            many_creates_share_commits_and_leave_no_gap
            a_staged_write_is_checked
            a_staged_write_that_is_refused_takes_the_others_with_it
            an_idempotency_key_answers_again
            moments_of_commits_increase
            what_only_reads_cannot_write
            a_failure_that_is_passed_over_still_fails
            a_value_of_every_type_comes_back
            a_document_comes_back_byte_for_byte
            observers_are_told_around_the_commit
            records_that_change_in_the_same_way_are_one_change
            the_feed_names_what_changed
            an_entry_has_these_bytes
        );
    };
    ($store:path; $($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let told = std::sync::Arc::<$crate::conformance::script::Told>::default();
                let clock = $crate::conformance::script::clock();
                let (store, _kept) = $store(std::sync::Arc::clone(&told), &clock).await;
                $crate::conformance::cases::$case(&store, &told, &clock).await;
            }
        )*
    };
}
pub(crate) use conformance;
