//! The accounts are no blind judge: flows that break what the compiler proves are run all the same, and it shows.
use flowline_plan::{Bundle, OpDef, StateDef, TypeKind};

use super::{
    day,
    place::{Disks, End, Place, workflows},
};

/// The day of the workflows, with something switched off that no proof would let pass.
fn broken(breaks: impl FnOnce(&mut Bundle)) -> End {
    let mut bundle = workflows().bundle.clone().unwrap();
    breaks(&mut bundle);
    Place::new(&workflows().project, bundle, day::lines()).live(Disks::default()).unwrap()
}

/// The day of the workflows in a world whose system loses many answers, and doesn't do what its contract says.
fn lied_to(system: &str, lies: impl FnOnce(&mut Bundle)) -> End {
    let mut place = Place::of_workflows(day::lines());
    place.world.systems.get_mut(system).unwrap().lost_answer = 0.5;
    let mut outside = (*place.bundle).clone();
    lies(&mut outside);
    place.outside = outside.into();
    place.live(Disks::default()).unwrap()
}

fn state<'b>(bundle: &'b mut Bundle, resource: &str, state: &str) -> &'b mut StateDef {
    let mut of_name = bundle.types.iter_mut().filter(|ty| ty.short_name() == resource);
    let TypeKind::Resource(def) = &mut of_name.next().unwrap().kind else { panic!("{resource} is a resource") };
    def.states.iter_mut().find(|def| def.name == state).unwrap()
}

fn op<'b>(bundle: &'b mut Bundle, system: &str, op: &str) -> &'b mut OpDef {
    let system = bundle.systems.iter_mut().find(|def| def.name == system).unwrap();
    system.ops.iter_mut().find(|def| def.name == op).unwrap()
}

#[test]
fn with_everything_on_the_day_is_clean() {
    let end = broken(|_| {});
    assert!(end.accounts.is_clean() && end.accounts.misuses.is_empty(), "{}", end.report);
    assert_eq!(end.live, 0);
    assert!(!end.report.contains("To look at"), "{}", end.report);
}

#[test]
fn an_abandon_row_that_is_switched_off_leaves_it_unsettled() {
    let sound = broken(|_| {});
    for (resource, open, settled) in [("StockHold", "held", "released"), ("CardMoney", "authorised", "voided")] {
        let end = broken(|bundle| {
            let row = state(bundle, resource, open).abandon.take();
            assert!(row.is_some(), "{resource} {open} has a row to take away");
        });
        let unsettled = &end.accounts.unsettled;
        assert!(!unsettled.is_empty() && !end.accounts.is_clean(), "{}", end.report);
        assert!(unsettled.iter().all(|left| (&*left.resource, &*left.state) == (resource, open)), "{unsettled:?}");
        // Of what the row let go of, some ends by itself, and a whole whose parts are settled stands for nothing.
        let count = |end: &End, state: &str| {
            let account = end.accounts.resource(resource).unwrap();
            account.by_state.get(state).copied().unwrap_or(0)
        };
        assert_eq!(count(&sound, open), 0);
        assert!(count(&end, open) >= unsettled.len() as u64);
        assert!(count(&end, settled) < count(&sound, settled), "{}", end.report);
        let left = &unsettled[0];
        let told = format!("{resource} {} of run {}, {open}", left.id, left.run);
        assert!(end.report.contains(&told), "{told}\n{}", end.report);
    }
}

#[test]
fn a_system_that_forgets_its_keys_acts_twice() {
    type Break = fn(&mut Bundle);
    let cases: [(&str, &str, Break); 2] = [
        ("erp", "erp.post_invoice", |bundle| {
            op(bundle, "erp", "post_invoice").idempotency.as_mut().unwrap().kept_ms = Some(0);
        }),
        ("payments", "payments.capture", |bundle| op(bundle, "payments", "capture").idempotency = None),
    ];
    for (system, name, breaks) in cases {
        let sound = lied_to(system, |_| {});
        assert!(sound.accounts.is_clean() && sound.totals.lost > 0, "{name}\n{}", sound.report);
        let end = lied_to(system, breaks);
        let doubled = &end.accounts.doubled;
        assert!(!doubled.is_empty() && doubled.iter().all(|twice| twice.op == name), "{doubled:?}\n{}", end.report);
        assert!(!end.accounts.is_clean());
        let told = format!("{name} under key {}", doubled[0].key);
        assert!(end.report.contains(&told), "{told}\n{}", end.report);
    }
}
