//! Sentences that several rules share.

use crate::analysis::crash_facts::Case;
use crate::analysis::instruction::AccessKind;
use crate::analysis::wording;

/// "wrote 13 to 0xF0000000": the access that failed, without who and where.
pub(super) fn access_phrase(case: &Case<'_>, verb_prefix: &str) -> String {
    let address = case.fault_address();
    let target = |word: &str| {
        address.map_or(String::new(), |at| {
            format!(" {word}{}", wording::address(at))
        })
    };
    match case.access().map(|access| (access.kind, access)) {
        Some((AccessKind::Write, access)) => {
            // A recorded address that is not this instruction's says nothing of the value.
            let value = match address {
                Some(at) => access.value_at(at).filter(|_| access.covers(at)),
                None => access
                    .values
                    .first()
                    .copied()
                    .flatten()
                    .filter(|_| access.values.len() == 1),
            };
            let value = value.map_or(String::new(), |value| format!(" {}", wording::value(value)));
            format!("{verb_prefix}wrote{value}{}", target("to "))
        }
        Some((AccessKind::Read, _)) => format!("{verb_prefix}read{}", target("from ")),
        _ if address.is_some() => format!("{verb_prefix}accessed{}", target("")),
        _ => format!("{verb_prefix}made an access that failed"),
    }
}

/// "`poke` wrote 13 to 0xF0000000, where nothing is (precise bus fault), in task cmd, main.c:16".
pub(super) fn access_sentence(case: &Case<'_>) -> String {
    let probably = if case.has_cause() { "" } else { "probably " };
    let what = case
        .fault_address()
        .map_or(String::new(), |at| case.what_is_at(at));
    format!(
        "{} {}{what}{}{}",
        case.who(),
        access_phrase(case, probably),
        case.class_phrase(),
        case.place_phrase()
    )
}

/// A sentence about what a function did, with place: "`f` divided by zero, main.c:46".
pub(super) fn plain_sentence(case: &Case<'_>, did: &str) -> String {
    format!("{} {did}{}", case.who(), case.place_phrase())
}
