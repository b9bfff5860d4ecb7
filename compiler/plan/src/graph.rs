//! The plan as a petgraph, and pictures of it.
