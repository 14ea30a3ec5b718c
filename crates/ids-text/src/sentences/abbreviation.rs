//! Abbreviations of Portuguese and English prose, law and addresses, by what their full stop can mean.

/// Why a full stop may not end a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Abbreviation {
    /// A name or noun follows, capital or not (`Sr.`, `Av.`, `e.g.`): never an end.
    BeforeName,
    /// A number follows (`art.`, `fig.`): no end before digits, a roman numeral or `§`, an end before anything else.
    BeforeNumber,
    /// Digits follow (`no.`, `tel.`, `set.`): no end before digits.
    BeforeDigits,
    /// Often the last word (`Ltda.`, `etc.`, `U.S.`): an end where the next word looks like the first of a sentence.
    MayEnd,
    /// A single capital letter (`J.`): like [`Abbreviation::MayEnd`].
    Initial,
}

/// Abbreviations in any case.
const BEFORE_NAME: &[&str] = &[
    // Forms of address.
    "sr", "sra", "srs", "sras", "srta", "dr", "dra", "drs", "dras", "prof", "profa", "profs", "profª", "srª",
    "drª", "exmo", "exma", "exmos", "exmª", "ilmo", "ilma", "mr", "mrs", "messrs", "v.exa", "v.sa", "v.s",
    "v.exª", "v.sª", // Addresses.
    "av", "rod", "trav", "pça", "lgo", "jd", "apto", "edif", "mun", "blvd", // Words that lead on.
    "cf", "vs", "v.g", "e.g", "i.e", "viz", "p.ex", "ex", "obs", "apud", "ref", "proc", "resp", "c/c",
    "approx", "aprox",
];

/// Titles that are words of their own, or end of one, in lower case: only with a capital letter.
const BEFORE_NAME_CAPITALIZED: &[&str] = &[
    "ms", "st", "sto", "sta", "pe", "frei", "gen", "cel", "maj", "sgt", "ten", "alm", "brig", "des", "desa",
    "min", "dep", "sen", "ver", "eng", "arq", "adv", "rev", "hon", "gov", "pres", "rep", "capt", "col", "lt",
    "rel", "me", "est", "ave", "tv", "bl", "ap",
];

/// Before digits, roman numerals or a section sign.
const BEFORE_NUMBER: &[&str] = &[
    "art", "arts", "inc", "incs", "n", "nº", "ns", "nr", "nos", "num", "núm", "p", "pp", "pg", "pgs", "pág",
    "págs", "pag", "pags", "fl", "fls", "fig", "figs", "cap", "caps", "par", "parág", "tab", "vol", "vols",
    "v", "t", "ed", "seç", "sec", "séc", "secs", "alín", "tít", "port", "reg", "sess", "ch", "eq", "eqs",
    "chap", "cl", "r",
];

/// Before digits only: in front of `I` these are words, and the `I` a pronoun.
const BEFORE_DIGITS: &[&str] = &[
    "no", "j", "tel", "cel", "fax", "dec", "res", "ver", "jan", "fev", "feb", "mar", "abr", "apr", "mai",
    "jun", "jul", "ago", "aug", "set", "sept", "out", "oct", "nov", "dez",
];

const MAY_END: &[&str] = &[
    "etc", "al", "ltda", "s.a", "s/a", "cia", "jr", "co", "corp", "ltd", "ph.d", "bros", "dept", "univ",
];

/// Longest abbreviation, in characters: longer words are not looked up.
const MAX_CHARS: usize = 8;

/// What the full stop after `word` (written as in the text, stops inside kept) can mean; `None`: an ordinary word.
pub(super) fn of(word: &[char]) -> Option<Abbreviation> {
    if word.len() > MAX_CHARS {
        return None;
    }
    if let [letter] = word
        && letter.is_uppercase()
    {
        // `R. Augusta` is a street, `D. Pedro` an emperor; both are capitals before a name, as an initial is.
        return Some(Abbreviation::Initial);
    }
    let lower: String = word.iter().flat_map(|c| c.to_lowercase()).collect();
    let lower = lower.as_str();
    // `Inc.` is a company, `inc.` an item of a law.
    let company = lower == "inc" && word[0] == 'I';
    // In this order: `ed.` before a number is an edition, elsewhere it may end.
    if company || MAY_END.contains(&lower) {
        Some(Abbreviation::MayEnd)
    } else if BEFORE_NUMBER.contains(&lower) {
        Some(Abbreviation::BeforeNumber)
    } else if BEFORE_NAME.contains(&lower)
        || word[0].is_uppercase() && BEFORE_NAME_CAPITALIZED.contains(&lower)
    {
        Some(Abbreviation::BeforeName)
    } else if BEFORE_DIGITS.contains(&lower) {
        Some(Abbreviation::BeforeDigits)
    } else if is_dotted_letters(word) {
        Some(Abbreviation::MayEnd)
    } else {
        None
    }
}

/// `E.U.A`, `U.S`, `p.m`: single letters with stops between them.
fn is_dotted_letters(word: &[char]) -> bool {
    word.len() >= 3
        && word.len() % 2 == 1
        && word
            .iter()
            .enumerate()
            .all(|(at, &c)| if at % 2 == 0 { c.is_alphabetic() } else { c == '.' })
}
