//! F01xx: syntax and names.

codes! {
    UNEXPECTED = "F0101" Error "unexpected text";
    UNCLOSED = "F0102" Error "a block, bracket or text is not closed";
    FOREIGN = "F0103" Error "a word or sign of another language";
    LIMIT = "F0104" Error "the text is too large or nested too deeply";
    NAME_CASE = "F0105" Error "a name is written in the wrong case";
    UNIT = "F0106" Error "a number with an unknown unit";
    NO_TEXT = "F0107" Error "a file that can't be read as text";
    UNKNOWN_NAME = "F0110" Error "unknown name";
    DUPLICATE_NAME = "F0111" Error "a name is declared twice";
    IMPORT_CYCLE = "F0112" Error "modules import each other in a circle";
    UNKNOWN_IMPORT = "F0113" Error "an import names nothing that exists";
    NO_FILE = "F0114" Error "a file that is named can't be read";
    WITHOUT_EFFECT = "F0191" Note "read and checked, without effect yet";
}
