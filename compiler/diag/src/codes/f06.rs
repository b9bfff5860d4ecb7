//! F06xx: AI governance.

codes! {
    UNGOVERNED = "F0601" Error "advice used without govern";
    UNANSWERED = "F0602" Error "a question that nothing ends when nobody answers";
}
