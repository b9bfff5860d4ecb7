//! Runs that wait for people: the job comes to its end without them, and says so.
use flowline_journal::Death;

use super::{
    day,
    place::{Disks, Place},
};

#[test]
fn runs_that_nobody_looks_after_dont_keep_the_job_from_ending() {
    let mut place = Place::of_workflows(day::lines());
    // Shops hardly answer: picks are given up by the runtime and wait for people, while their flows go on to remind.
    place.world.systems.get_mut("store_ops").unwrap().down = 0.8;
    let end = place.live(Disks::default()).unwrap();
    assert!(end.live > 0 && end.totals.incidents > 0, "{}", end.report);
    assert!(end.report.contains("still live") && end.report.contains("incident: "), "{}", end.report);

    // One that dies late comes to the same end.
    let disks = Disks::default();
    let dying = Disks { journal: disks.journal.clone().dying(1_000, Death::Lost), ..disks.clone() };
    assert!(place.live(dying).is_err(), "the reminders take long");
    assert_eq!(place.live(disks).unwrap(), end);
}
