//! F12xx: retries.

codes! {}
