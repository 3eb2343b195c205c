//! The one list of all cases. From it are made both [`cases`] and the tests of a phase
//! ([`conformance_tests!`](crate::conformance_tests)), so that neither can miss a case.

use crate::Case;

/// Hands the list of cases to the macro `$then`, with `$argument` before it.
#[doc(hidden)]
#[macro_export]
macro_rules! with_every_case {
    ($then:ident($($argument:expr)?)) => {
        $crate::$then! {
            ($($argument)?)
            signups on public {
                a_participant_signs_up_once,
                location_leads_to_the_receipt,
                a_repeat_gives_the_first_receipt,
                a_repeat_changes_nothing,
                spellings_of_an_address_are_one_participant,
                different_participants_get_different_receipts,
                one_participant_at_two_events_is_two_signups,
                markup_in_a_name_is_kept_verbatim,
                the_longest_name_and_address_are_taken,
            }
            scripts on public {
                a_name_keeps_the_joiners_it_needs,
                both_spellings_of_a_domain_are_one_participant,
            }
            receipts on public {
                a_receipt_is_good_at_once,
                a_receipt_shows_the_signup,
                a_receipt_of_another_event_is_refused,
                a_forged_receipt_is_refused,
                a_malformed_receipt_is_refused,
                a_receipt_under_an_unknown_event_is_refused,
            }
            events on public {
                launch_day_is_there_from_the_start,
                an_organiser_creates_an_event,
                the_times_of_an_event_are_optional,
                a_time_that_cannot_be_written_in_utc_is_refused,
                a_wrong_event_is_refused,
                an_unknown_event_is_not_found,
                beside_many_unknown_events_others_are_served,
                an_event_counts_its_signups,
            }
            signup_period on public {
                before_it_opens_an_event_takes_no_signups,
                after_it_closes_an_event_takes_no_signups,
                within_its_period_an_event_takes_signups,
                an_event_closes_while_it_is_served,
                a_time_finer_than_a_microsecond_is_cut,
                a_period_within_a_microsecond_is_refused,
                after_it_closes_who_signed_up_gets_the_first_receipt_again,
            }
            attendance_list on public {
                pages_hold_every_signup_exactly_once,
                a_row_is_the_signup_with_its_address,
                a_page_has_100_rows_by_default,
                an_event_without_signups_has_an_empty_list,
                the_export_is_the_whole_list,
                a_wrong_query_is_refused,
                signups_between_pages_lose_no_row,
            }
            organiser on public {
                without_a_token_the_organisers_routes_are_closed,
                with_a_wrong_token_the_organisers_routes_are_closed,
                the_bearer_scheme_is_taken_in_any_case,
                a_participant_needs_no_token,
            }
            bad_bodies on public {
                what_is_not_one_json_document_is_refused,
                deep_nesting_is_refused,
                what_is_not_an_object_is_refused,
                a_duplicate_key_is_refused,
                an_unknown_field_is_refused,
                monstrous_numbers_are_refused,
            }
            bad_fields on public {
                a_missing_field_is_refused,
                a_field_of_the_wrong_type_or_empty_is_refused,
                a_field_that_is_too_long_is_refused,
                an_invisible_character_in_a_name_is_refused,
                a_name_that_shows_nothing_is_refused,
                half_a_surrogate_pair_is_refused,
                what_is_no_address_is_refused,
                more_than_an_address_is_refused,
                an_invisible_character_in_an_address_is_refused,
                all_wrong_fields_are_named_at_once,
            }
            bad_requests on public {
                a_wrong_method_is_refused_and_told_which_are_right,
                head_answers_like_get_without_a_body,
                a_body_that_is_not_said_to_be_json_is_refused,
                json_is_taken_in_any_case_and_with_a_charset,
                an_encoded_body_is_refused,
                what_is_not_http_is_turned_away,
                a_body_broken_off_has_no_effect,
            }
            paths on public {
                an_unknown_path_is_not_found,
                operations_are_not_public,
                dots_and_double_slashes_lead_nowhere,
                dots_are_no_event_and_no_receipt,
            }
            limits on public {
                a_body_over_4_kib_is_refused,
                an_announced_length_over_the_limit_is_refused_at_once,
                an_endless_chunked_body_is_refused,
                a_chunked_body_within_the_limit_is_taken,
                an_over_long_uri_is_refused,
                over_large_headers_are_refused,
            }
            slow_clients on public {
                a_header_that_never_ends_is_cut_off,
                a_silent_connection_is_closed,
                a_body_that_never_comes_is_given_up,
                a_body_of_one_byte_a_second_is_given_up,
                slow_clients_keep_nobody_else_waiting,
                slow_bodies_take_nobodys_place,
                a_client_that_reads_nothing_is_let_go,
                clients_that_read_nothing_keep_nobody_else_waiting,
            }
            concurrency on public {
                a_hundred_signups_of_one_participant_are_one_row,
                a_hundred_participants_at_once_are_all_kept,
                two_spellings_at_once_are_one_row,
            }
            reads on public {
                a_read_says_where_it_was_served_from,
                every_answer_has_a_request_id_of_its_own,
                as_of_moves_on,
                headers_that_make_no_sense_are_never_a_5xx,
            }
            openapi on public {
                the_document_lists_every_route,
                every_operation_documents_its_problems,
                a_signup_documents_its_promises,
                every_reference_resolves,
            }
            page on public {
                the_page_of_launch_day_is_at_the_root,
                a_page_shows_the_count_of_its_event,
                markup_in_the_name_of_an_event_is_shown,
                a_page_forbids_all_it_does_not_need,
                what_a_page_refers_to_is_there,
                an_unknown_event_has_no_page,
                a_page_takes_no_post,
            }
            probes on operations {
                a_healthy_service_says_so,
                readiness_names_instance_and_host,
                the_contract_is_not_on_the_operations_port,
                the_golden_signals_are_exported,
                no_personal_data_is_in_the_metrics,
            }
            admission on operations {
                a_burst_is_answered_and_what_is_refused_has_no_effect,
            }
            cardinality on operations {
                hostile_requests_do_not_grow_the_metrics,
            }
        }
    };
}

/// Every case as a value.
#[doc(hidden)]
#[macro_export]
macro_rules! every_case_as_value {
    (() $($module:ident on $port:ident { $($case:ident,)+ })+) => {
        vec![$($(
            Case {
                name: concat!(stringify!($module), "::", stringify!($case)),
                needs_operations_port: $crate::is_operations!($port),
                run: |target| Box::pin($crate::cases::$module::$case(target)),
            },
        )+)+]
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! is_operations {
    (operations) => {
        true
    };
    (public) => {
        false
    };
}

/// Every case as a test.
#[doc(hidden)]
#[macro_export]
macro_rules! every_case_as_test {
    (($harness:expr) $($module:ident on $port:ident { $($case:ident,)+ })+) => { $(
        mod $module {
            // For the names in `$harness`.
            use super::*;
            $(
            #[::tokio::test]
            async fn $case() -> $crate::Result {
                // Kept to the end: dropping it stops the service.
                let harness = $harness;
                let target = harness.target();
                $crate::check(target, $crate::cases::$module::$case(target)).await
            }
            )+
        }
    )+ };
}

/// Expands to one `#[tokio::test]` a case, named like it, in a module named like its own.
///
/// `$harness` is evaluated in each test, inside an `async fn`; what it gives must have a method
/// `target() -> &Target`, and lives until the case is over.
///
/// ```ignore
/// signup_conformance::conformance_tests!(Server::start().await);
/// ```
#[macro_export]
macro_rules! conformance_tests {
    ($harness:expr) => {
        $crate::with_every_case!(every_case_as_test($harness));
    };
}

/// All cases, in the order of the list.
#[must_use]
pub fn cases() -> Vec<Case> {
    crate::with_every_case!(every_case_as_value())
}
