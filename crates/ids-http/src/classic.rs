//! The text format of Prometheus before OpenMetrics, for readers that do not ask for the latter: made from it, line by line.

/// Counters are called by their whole name in their heads, too; units and the end are not said.
pub(crate) fn from_openmetrics(text: &str) -> String {
    let mut classic = String::with_capacity(text.len() + 256);
    let counters: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
    for line in text.lines() {
        if line == "# EOF" || line.starts_with("# UNIT ") {
            continue;
        }
        let head = ["# HELP ", "# TYPE "]
            .into_iter()
            .find_map(|begin| Some((begin, line.strip_prefix(begin)?)))
            .and_then(|(begin, rest)| Some((begin, rest.split_once(' ')?)));
        match head {
            Some((begin, (name, rest))) if counters.contains(&name) => {
                classic.push_str(&format!("{begin}{name}_total {rest}"));
            }
            _ => classic.push_str(line),
        }
        classic.push('\n');
    }
    classic
}

#[cfg(test)]
mod tests {
    use super::from_openmetrics;

    #[test]
    fn counters_keep_their_whole_name() {
        let open = "# HELP requests Answered.\n# TYPE requests counter\nrequests_total{a=\"b\"} 1\n\
                    # HELP up Up.\n# TYPE up gauge\n# UNIT up seconds\nup 1\n# EOF\n";
        assert_eq!(
            from_openmetrics(open),
            "# HELP requests_total Answered.\n# TYPE requests_total counter\nrequests_total{a=\"b\"} 1\n\
             # HELP up Up.\n# TYPE up gauge\nup 1\n"
        );
    }
}
