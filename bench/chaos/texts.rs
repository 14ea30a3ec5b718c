//! What is uploaded: small Portuguese texts with one word each that no other text has, and files that are broken.

/// Numbers that look random and are the same for the same seed.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// A stream of its own for each `seed` and `stream`.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut dice = Self(seed ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // The first numbers of neighbouring seeds resemble each other.
        dice.next();
        dice
    }

    /// SplitMix64.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `end`, exclusive.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap_or(0)
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, times: usize) -> bool {
        self.below(100) < times
    }

    /// Any of them.
    pub fn any<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// In another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

const SUBJECTS: [&str; 12] = [
    "O contrato",
    "A secretaria municipal",
    "O servidor público",
    "A comissão de licitação",
    "O edital de concorrência",
    "A prefeitura",
    "O fiscal da obra",
    "A câmara de vereadores",
    "O pregão eletrônico",
    "A dotação orçamentária",
    "O parecer jurídico",
    "A empresa contratada",
];
const VERBS: [&str; 10] = [
    "estabelece",
    "altera",
    "prorroga",
    "publica",
    "encaminha",
    "aprova",
    "suspende",
    "revoga",
    "acompanha",
    "registra",
];
const OBJECTS: [&str; 12] = [
    "o prazo de entrega",
    "a multa por atraso",
    "as férias dos servidores",
    "o plano diretor",
    "a prestação de contas",
    "o cronograma físico-financeiro",
    "a garantia contratual",
    "o reajuste dos preços",
    "a manutenção das escolas",
    "o transporte escolar",
    "a coleta de resíduos",
    "o licenciamento ambiental",
];
const ENDINGS: [&str; 6] = [
    "conforme a lei vigente.",
    "no prazo de quinze dias.",
    "mediante justificativa escrita.",
    "após manifestação do controle interno.",
    "com recursos próprios do município.",
    "nos termos do anexo técnico.",
];

/// Files of the corpus that are read fully within a second or two.
pub const READABLE: [(&str, &str); 3] = [
    ("handbook-pt-sect.apt-get.pdf", "application/pdf"),
    ("tiny.pdf", "application/pdf"),
    ("handbook-pt-apparmor.docx", DOCX),
];
/// Files that cannot be read, each for a reason of its own.
pub const UNREADABLE: [(&str, &str); 3] = [
    ("testWORD_protected_passtika.docx", DOCX),
    ("truncated-60pct.pdf", "application/pdf"),
    ("zipbomb-2gb.docx", DOCX),
];
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// A word that is in no language: consonants, so that no stemmer takes anything off its end.
pub fn unique_word(dice: &mut Dice) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrtvwxz";
    let mut word: String = (0..11)
        .map(|_| char::from(LETTERS[dice.below(LETTERS.len())]))
        .collect();
    word.push('k');
    word
}

/// A text of so many sentences; `word` stands in its first one, and nowhere else.
pub fn text(dice: &mut Dice, word: &str, sentences: usize, is_markdown: bool) -> String {
    let mut text = String::new();
    if is_markdown {
        text.push_str("# Documento administrativo\n\n");
    }
    text.push_str(&format!("O processo {word} foi aberto pela ouvidoria. "));
    for number in 1..=sentences {
        let mut part = |of: &[&'static str]| dice.any(of).copied().unwrap_or_default();
        let (subject, verb, object, ending) = (part(&SUBJECTS), part(&VERBS), part(&OBJECTS), part(&ENDINGS));
        text.push_str(&format!("{subject} {verb} {object} {ending} "));
        if number % 5 == 0 {
            text.push_str("\n\n");
        }
    }
    text
}

/// Something to search for, or to ask.
pub fn question(dice: &mut Dice) -> String {
    let object = dice.any(&OBJECTS).copied().unwrap_or_default();
    let verb = dice.any(&VERBS).copied().unwrap_or_default();
    format!("Quem {verb} {object}?")
}

/// Begins as a PDF, and is none.
pub fn broken_pdf(dice: &mut Dice) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    bytes.extend((0..400).map(|_| u8::try_from(dice.below(256)).unwrap_or(0)));
    bytes
}
