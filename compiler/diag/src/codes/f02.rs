//! F02xx: types.

codes! {
    MISMATCH = "F0201" Error "a value of another type is expected";
    ID_MIXED = "F0202" Error "ids of different things are mixed";
    OPTIONAL = "F0203" Error "a value that may be absent is used unchecked";
    CURRENCY = "F0204" Error "money of two currencies";
    UNROUNDED = "F0205" Error "money that is not rounded";
    NOT_EXHAUSTIVE = "F0206" Error "a match does not cover every case";
    MISSING_FIELD = "F0207" Error "a field is missing";
    UNKNOWN_MEMBER = "F0208" Error "no such field, case, method, state or operation";
    ARGUMENTS = "F0209" Error "wrong number or kind of arguments";
    OPERATOR = "F0210" Error "an operator does not go with these types";
    WRONG_KIND = "F0211" Error "a name stands for something else";
    NOT_CONSTANT = "F0212" Error "not known before anything runs";
    RESOURCE = "F0213" Error "a resource is kept or copied";
    ASSIGNMENT = "F0214" Error "this can't be assigned";
    NO_VALUE = "F0215" Error "a value is asked for and none is given";
    NEVER_FITS = "F0216" Error "a pattern that can never fit";
    CONTRACT = "F0217" Error "a contract contradicts itself";
    CALENDAR = "F0218" Error "a calendar that can't be read";
    EVENT_KEY = "F0219" Error "a wait goes by no key of its event";
    PLACE = "F0220" Error "a statement where it can't stand";
    RECURSION = "F0221" Error "something is defined by itself";
    FLOW_START = "F0222" Error "a flow's header lacks what its body needs";
    NEVER_ABSENT = "F0223" Warning "a test for absence of what is always there";
    STARTS = "F0230" Error "a flow can't start like this";
    CALENDAR_FILE = "F0240" Error "a calendar's file that can't be read";
    CALENDAR_ROW = "F0241" Error "a row of a calendar's file that can't be read";
    MONEY_KIND = "F0242" Error "net, tax and gross are mixed";
}
