//! F09xx: decisions.

codes! {
    GAP = "F0901" Error "a case that no row of a table holds for";
    OVERLAP = "F0902" Error "two rows of a table hold for one case";
    DEAD_ROW = "F0903" Error "a row that can never hold";
}
