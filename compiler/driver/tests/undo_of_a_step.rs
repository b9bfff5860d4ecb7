//! A step may name its own undo, which has to get through like any other.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]
mod common;

const FLOW: &str = "id TaskNo
domain tasks

system shop \"Shop\" {
  owns tasks
  op assign(task: TaskNo) writes tasks, undo cancel(task), idempotent by task
  op cancel(task: TaskNo) writes tasks, settles, retriable, idempotent by task
  op ask_back(task: TaskNo) writes tasks, irreversible, idempotent by task
}

flow hand_out(task: TaskNo) {
  do shop.assign(task) undo shop.UNDO(task)
}
";

#[test]
fn an_undo_that_may_give_up_is_refused_where_the_step_names_it() {
    let found = common::for_logs(&common::compile("shop", &FLOW.replace("UNDO", "ask_back")));
    assert!(found.contains("F0501") && found.contains("`ask_back` takes back `shop.assign` here"), "{found}");
    assert_eq!(common::for_logs(&common::compile("shop", &FLOW.replace("UNDO", "cancel"))), "no findings");
}
