//! The standard library belongs to a project as far as the project uses it.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]
mod common;

use flowline_driver::{MemoryFiles, compile_files};

const OWN_PAYMENTS: &str =
    "domain money\nsystem payments \"Our bank\" {\n  owns money\n  op balance() -> Money reads money\n}\n";

#[test]
fn names_of_what_is_not_used_are_free() {
    let outcome = compile_files(&MemoryFiles::single("shop", OWN_PAYMENTS)).unwrap();
    assert_eq!(common::for_logs(&outcome), "no findings");
    let systems: Vec<String> = outcome.bundle.unwrap().systems.into_iter().map(|system| system.label).collect();
    assert_eq!(systems, ["Our bank"]);
}

#[test]
fn names_of_what_is_used_are_taken_directly_or_not() {
    // The books of the library speak of debts, which belong to its payments.
    for used in ["std.payments.{Declined}", "std.erp.{InvoiceNo}"] {
        let text = format!("use {used}\n{OWN_PAYMENTS}");
        let found = common::for_logs(&compile_files(&MemoryFiles::single("shop", &text)).unwrap());
        assert!(found.contains("F0111") && found.contains("`payments` is declared twice"), "{used}: {found}");
    }
}

#[test]
fn names_that_the_library_could_bring_in_are_suggested() {
    let text = "flow greet(placed: OrderPlaced) { wait 1 s }";
    let found = common::for_logs(&compile_files(&MemoryFiles::single("shop", text)).unwrap());
    assert!(found.contains("use std.orders.{OrderPlaced}"), "{found}");
}
