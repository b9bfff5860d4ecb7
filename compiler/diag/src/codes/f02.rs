//! F02xx: types.

codes! {}
