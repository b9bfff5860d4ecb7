//! F11xx: events across flows.

codes! {}
