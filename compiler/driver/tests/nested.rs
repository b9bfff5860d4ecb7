//! What runs beside what runs beside isn't followed, and the compiler says so: never that it is fine.
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
