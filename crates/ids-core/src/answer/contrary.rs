//! Whether a sentence says the contrary of what was asked: `a distância máxima` is not answered by `a distância mínima`, nor `o que não é` by what is.

use std::collections::HashSet;

use super::facts::folded_words;

/// Words of which a text has one or the other; folded.
const OPPOSITES: [(&str, &str); 19] = [
    (
        "minimo minima minimos minimas minimum least lowest smallest",
        "maximo maxima maximos maximas maximum most highest largest greatest",
    ),
    (
        "menor menores smaller lower",
        "maior maiores larger greater higher",
    ),
    ("menos less fewer", "mais more"),
    ("antes before", "depois apos after"),
    (
        "anterior anteriores previous",
        "posterior posteriores seguinte next",
    ),
    (
        "primeiro primeira primeiros primeiras first",
        "ultimo ultima ultimos ultimas last",
    ),
    ("provavel provaveis likely", "improvavel improvaveis unlikely"),
    (
        "aumenta aumentou aumentar aumento increase increased increases",
        "diminui diminuiu diminuir diminuicao reducao decrease decreased decreases",
    ),
    ("norte north northern", "sul south southern"),
    ("leste east eastern", "oeste west western"),
    (
        "interno interna internos internas internal",
        "externo externa externos externas external",
    ),
    (
        "comeca comecou comecar inicio begin begins began start started",
        "termina terminou terminar fim end ended ends",
    ),
    ("cedo early earliest", "tarde late latest"),
    ("dentro inside", "fora outside"),
    (
        "vantagem vantagens advantage advantages",
        "desvantagem desvantagens disadvantage disadvantages",
    ),
    ("positivo positiva positive", "negativo negativa negative"),
    (
        "permite permitido permitir allow allowed allows",
        "proibe proibido proibir forbid forbidden prohibited",
    ),
    (
        "aceita aceitou aceitar accept accepted",
        "rejeita rejeitou rejeitar recusou reject rejected refused",
    ),
    (
        "inclui incluido incluir include included includes",
        "exclui excluido excluir exclude excluded excludes",
    ),
];
const PREFIXES: [&str; 6] = ["in", "im", "ir", "des", "un", "dis"];
/// Letters that must be left when such a prefix is taken off.
const STEM: usize = 5;
const NEGATIONS: [&str; 15] = [
    "nao", "nunca", "nem", "sem", "exceto", "jamais", "nenhum", "nenhuma", "never", "not", "no", "without",
    "except", "neither", "nor",
];

/// Whether `sentence` has the opposite of a word of `question` and not the word, and whether the question negates and the sentence does not.
pub(super) fn contrary(question: &str, sentence: &str) -> (bool, bool) {
    let (asked, said) = (words_of(question), words_of(sentence));
    (
        is_opposed(&asked, &said),
        is_negated(&asked) && !is_negated(&said),
    )
}

fn is_opposed(asked: &HashSet<String>, said: &HashSet<String>) -> bool {
    let has = |words: &HashSet<String>, list: &str| list.split(' ').any(|word| words.contains(word));
    let opposes = |word: &str, other: &str| {
        has(asked, word) && !has(asked, other) && has(said, other) && !has(said, word)
    };
    OPPOSITES.iter().any(|(a, b)| opposes(a, b) || opposes(b, a))
        || asked.iter().any(|word| {
            let bare = |prefix: &&str| word.strip_prefix(*prefix).filter(|rest| rest.len() >= STEM);
            !said.contains(word) && PREFIXES.iter().filter_map(bare).any(|rest| said.contains(rest))
        })
}

fn words_of(text: &str) -> HashSet<String> {
    folded_words(text).into_iter().collect()
}

fn is_negated(words: &HashSet<String>) -> bool {
    NEGATIONS.iter().any(|word| words.contains(*word))
}

#[cfg(test)]
mod tests {
    use super::contrary;

    #[test]
    fn the_contrary_is_seen_in_both_languages() {
        let check = |question: &str, sentence: &str, opposed, negated| {
            assert_eq!(
                contrary(question, sentence),
                (opposed, negated),
                "{question} {sentence}"
            );
        };
        check(
            "Qual é a distância máxima?",
            "A distância mínima é de 1,6 km.",
            true,
            false,
        );
        check(
            "Qual é a distância máxima?",
            "Entre a mínima e a máxima há 2 km.",
            false,
            false,
        );
        check(
            "Onde é improvável que tenha surgido?",
            "É provável que tenha surgido no mar.",
            true,
            false,
        );
        check(
            "Who was the last king?",
            "The first king was crowned in 1139.",
            true,
            false,
        );
        check("O que não é um sintoma?", "A febre é um sintoma.", false, true);
        check(
            "O que não é um sintoma?",
            "A febre não é um sintoma.",
            false,
            false,
        );
        check("Qual é o prazo?", "O prazo é de 15 dias.", false, false);
    }
}
