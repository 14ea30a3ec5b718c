//! The word in front that says what a number is: `conta corrente nº`, `RG n.`, `placa do veículo`.

use super::scan::Scan;

/// Characters in front that are looked at.
const BEFORE: usize = 60;

/// What may stand between such a word and its number, whatever the word.
const BETWEEN: [&str; 27] = [
    "n", "no", "nr", "num", "numero", "numeros", "de", "do", "da", "dos", "das", "o", "a", "os", "as", "e",
    "sob", "com", "inscrito", "inscrita", "registro", "geral", "civil", "portador", "oficial", "cujo",
    "seguinte",
];

/// Words that say what follows, and those of their kind that may stand in between.
pub(super) struct Label {
    pub(super) words: &'static [&'static str],
    pub(super) between: &'static [&'static str],
}

impl Label {
    /// Whether such a word stands in front of `at`, with nothing but words that belong in between.
    pub(super) fn is_before(&self, scan: &Scan, at: usize) -> bool {
        let text = scan.folded(at.saturating_sub(BEFORE), at);
        let mut end = text.len();
        loop {
            // From the number back, word by word; points, colons and brackets are passed over.
            while end > 0 && !text[end - 1].is_alphanumeric() {
                // A sentence that ended says nothing of the next one's numbers.
                if matches!(text[end - 1], ';' | '?' | '!') {
                    return false;
                }
                end -= 1;
            }
            let mut start = end;
            while start > 0 && text[start - 1].is_alphanumeric() {
                start -= 1;
            }
            if start == end {
                return false;
            }
            if self.words.iter().any(|word| ends_with(&text[..end], word)) {
                return true;
            }
            let word = &text[start..end];
            if !BETWEEN
                .iter()
                .chain(self.between)
                .any(|between| is_word(word, between))
            {
                return false;
            }
            end = start;
        }
    }
}

/// Whether `text` ends with `word`, which begins a word there. `word` may have points and spaces in it.
fn ends_with(text: &[char], word: &str) -> bool {
    let length = word.chars().count();
    let Some(from) = text.len().checked_sub(length) else {
        return false;
    };
    let begins = from == 0 || !text[from - 1].is_alphanumeric();
    begins && text[from..].iter().copied().eq(word.chars())
}

/// Whether a word is `expected`, which has plain letters only.
fn is_word(word: &[char], expected: &str) -> bool {
    word.len() == expected.len() && word.iter().copied().eq(expected.chars())
}

/// Whether only signs of a list stand between two things: `, `, ` e `, ` / `.
pub(super) fn is_list(scan: &Scan, from: usize, to: usize) -> bool {
    if to < from || to - from > 6 {
        return false;
    }
    let between: String = scan.folded(from, to).iter().collect();
    matches!(between.trim(), "," | ";" | "e" | "ou" | "/" | ", e" | "and")
}

pub(super) const CPF: Label = Label {
    words: &["cpf", "c.p.f", "cpf/mf", "c.p.f./mf", "cic"],
    between: &["mf", "cpf"],
};
pub(super) const CNPJ: Label = Label {
    words: &["cnpj", "cnpj/mf", "cnpj (mf)", "c.n.p.j"],
    between: &["mf"],
};
pub(super) const PIS: Label = Label {
    words: &["pis", "pasep", "nis", "nit", "pis/pasep"],
    between: &[
        "pasep",
        "nit",
        "nis",
        "responsavel",
        "familiar",
        "titular",
        "trabalhador",
        "trabalhadora",
    ],
};
pub(super) const RG: Label = Label {
    words: &["rg", "r.g", "identidade", "ci", "c.i"],
    between: &["rg", "mg", "sp", "rj", "ssp", "pc", "detran", "uf"],
};
pub(super) const CEP: Label = Label {
    words: &["cep", "codigo postal"],
    between: &[],
};
pub(super) const PHONE: Label = Label {
    words: &[
        "contato",
        "contatos",
        "tel",
        "tels",
        "telefone",
        "telefones",
        "fone",
        "fones",
        "celular",
        "celulares",
        "cel",
        "whatsapp",
        "zap",
        "fax",
        "ligue",
        "ligar para",
        "ouvidoria",
        "plantao",
    ],
    between: &[
        "contato",
        "para",
        "fixo",
        "comercial",
        "residencial",
        "whatsapp",
        "celular",
        "pelo",
        "pelos",
        "fax",
        "movel",
        "recado",
        "responsavel",
        "uteis",
        "res",
        "com",
        "ou",
    ],
};
pub(super) const CARD: Label = Label {
    words: &["cartao", "cartao de credito", "cartao de debito"],
    between: &[
        "credito",
        "debito",
        "final",
        "corporativo",
        "pagamento",
        "governo",
        "federal",
    ],
};
pub(super) const ACCOUNT: Label = Label {
    words: &[
        "conta",
        "cta",
        "conta corrente",
        "conta-corrente",
        "c/c",
        "c. c",
        "c.c",
        "conta poupanca",
        "poupanca",
    ],
    between: &[
        "corrente",
        "poupanca",
        "salario",
        "bancaria",
        "banco",
        "brasil",
        "caixa",
        "economica",
        "federal",
        "itau",
        "bradesco",
        "santander",
        "sicoob",
        "especifica",
        "convenio",
        "titularidade",
        "c",
        "cc",
        "op",
        "pj",
        "pf",
    ],
};
pub(super) const AGENCY: Label = Label {
    words: &["agencia", "ag"],
    between: &["bancaria", "banco", "brasil", "caixa"],
};
pub(super) const PLATE: Label = Label {
    words: &["placa", "placas"],
    between: &[
        "veiculo",
        "policial",
        "mercosul",
        "antiga",
        "nova",
        "atual",
        "carreta",
        "reboque",
        "moto",
        "automovel",
    ],
};
pub(super) const VEHICLE: Label = Label {
    words: &[
        "veiculo",
        "veiculos",
        "carro",
        "automovel",
        "caminhao",
        "moto",
        "motocicleta",
        "onibus",
        "reboque",
    ],
    between: &["oficial", "particular"],
};
