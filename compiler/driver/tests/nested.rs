//! Ways that a random search found the proofs not to see. What runs beside what runs beside isn't followed, and the compiler says so: never that it is fine.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]
mod common;

const FLOW: &str = "use std.inventory.{OutOfStock, inventory}
use std.orders.{Order}
use std.store_ops.{PickConfirmed}

flow f(order: Order) raises OutOfStock {
  attempt {
    wait 3 days
  } meanwhile every 1 day {
    attempt {
      await PickConfirmed for order.id
    } meanwhile every 1 h {
      let hold = do inventory.hold(order.id, order.lines, order.store)
    }
  }
  stop done
}
";

#[test]
fn a_hold_taken_twice_beside_is_not_called_proven() {
    let found = common::for_logs(&common::compile("f", FLOW));
    assert!(found.contains("not proven that `hold` is always let go"), "{found}");
}

const RENAMED: &str = "use std.inventory.{OutOfStock, inventory}
use std.orders.{Order}

flow f(order: Order) raises OutOfStock {
  attempt {
    let hold = do inventory.hold(order.id, order.lines, order.store)
    let other = hold
    do inventory.release(other)
  } after 1 h keeping hold {
    when hold exists { do inventory.release(hold) }
  }
}
";

#[test]
fn a_handler_that_keeps_a_resource_names_it_whatever_it_was_renamed_to() {
    let found = common::for_logs(&common::compile("f", RENAMED));
    assert!(found.contains("F0405"), "{found}");
}
