//! F13xx: change.

codes! {
    SCHEMA = "F1301" Error "a frozen schema that can't be read";
    UPCAST_GAP = "F1302" Error "an old version has no way to the current one";
    UPCAST_STEP = "F1303" Error "an upcast between versions that there are not";
    UPCAST_TWICE = "F1304" Error "two upcasts from one version";
}
