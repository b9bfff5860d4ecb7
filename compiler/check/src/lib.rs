//! From trees to the checked model: what every name means, and what type everything has.

pub mod model;
