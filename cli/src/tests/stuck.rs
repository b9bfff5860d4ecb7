//! Runs that wait for ever: the job comes to its end without them, and says so.
use flowline_journal::Death;

use super::{
    day,
    place::{Disks, Place},
};

const FLOW: &str = r#"
use std.notify.{Template, notify}
use std.orders.{CancelRequested, OrderPlaced}

flow remind(placed: OrderPlaced)
  key placed.order.id once
{
  attempt {
    await CancelRequested for placed.order.id
  } meanwhile every 1 day {
    do notify.send(placed.order.customer, Template.order_accepted(placed.order.id))
  }
  stop cancelled
}
"#;

#[test]
fn runs_that_nobody_looks_after_dont_keep_the_job_from_ending() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("remind.flow");
    std::fs::write(&path, FLOW).unwrap();
    let outcome = flowline_driver::compile(&path).unwrap();
    let bundle = outcome.bundle.unwrap_or_else(|| panic!("{:?}", outcome.diagnostics));
    let place = Place::new(&outcome.project, bundle, &day::lines()[..6]);
    let end = place.live(Disks::default()).unwrap();
    assert!(end.live > 0 && end.report.contains("still live"), "{}", end.report);
    // A reminder a day for some four hundred days.
    let each = end.totals.calls / end.live as u64;
    assert!((390..420).contains(&each), "{}", end.report);

    // One that dies late comes to the same end.
    let disks = Disks::default();
    let dying = Disks { journal: disks.journal.clone().dying(500, Death::Lost), ..disks.clone() };
    assert!(place.live(dying).is_err(), "the reminders take long");
    assert_eq!(place.live(disks).unwrap(), end);
}
