//! Where text goes: what a group is for.

/// What a group is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination {
    /// The text.
    Body,
    /// A note at the end.
    Footnote,
    /// The names of fonts: their character sets matter.
    Fonts,
    /// The names of styles: headings are known by them.
    Styles,
    /// What the file says of itself.
    Info,
    /// Its title.
    Title,
    /// Its author.
    Author,
    /// Nothing that is read.
    LeftOut,
}

/// What a control word makes of its group; `None` for words that only format.
pub(super) fn of_word(word: &str, now: Destination) -> Option<Destination> {
    use Destination::{Author, Body, Fonts, Footnote, Info, LeftOut, Styles, Title};
    Some(match (word, now) {
        // Nothing inside of what is left out comes back, but for the text of a drawn box.
        (_, LeftOut) => return None,
        ("fonttbl", _) => Fonts,
        ("stylesheet", _) => Styles,
        ("info", _) => Info,
        ("title", Info) => Title,
        ("author", Info) => Author,
        ("footnote", Body) => Footnote,
        ("shpinst" | "shptxt" | "shprslt" | "fldrslt" | "result" | "shpgrp", Body) => Body,
        (
            "colortbl" | "pict" | "objdata" | "fldinst" | "datafield" | "header" | "headerl" | "headerr"
            | "headerf" | "footer" | "footerl" | "footerr" | "footerf" | "ftnsep" | "ftnsepc" | "ftncn"
            | "aftnsep" | "aftnsepc" | "aftncn" | "annotation" | "atnid" | "atnauthor" | "atrfstart"
            | "atrfend" | "sp" | "sn" | "sv" | "xe" | "tc" | "rxe" | "bkmkstart" | "bkmkend" | "listtext"
            | "pntext" | "pntxta" | "pntxtb" | "nonshppict" | "filetbl" | "revtbl" | "listtable"
            | "listoverridetable" | "themedata" | "colorschememapping" | "latentstyles" | "generator"
            | "panose" | "falt" | "fname" | "template" | "private" | "mmathPr" | "nonesttables" | "objclass"
            | "objname" | "formfield" | "userprops",
            _,
        ) => LeftOut,
        _ => return None,
    })
}

/// Groups that begin with `\*` are left out by whoever does not know them; these are known.
pub(super) fn is_known_extension(word: &str) -> bool {
    matches!(
        word,
        "shpinst" | "shptxt" | "nesttableprops" | "footnote" | "cs" | "ds" | "ts" | "htmltag"
    )
}
