//! F05xx: saga.

codes! {}
