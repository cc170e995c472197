//! What the programs of the benchmark share.

pub mod build;
pub mod counted;
pub mod goals;
pub mod machine;
pub mod page;
pub mod result;
pub mod stand_in;

/// An error is printed for a person and ends the run.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// With commas between groups of three digits and so many decimals.
pub fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn digits_are_in_groups_of_three() {
        let numbers = [(7.0, 0), (1_234_567.0, 0), (999.94, 1), (1000.5, 2)];
        let written = numbers.map(|(value, decimals)| number(value, decimals));
        assert_eq!(written, ["7", "1,234,567", "999.9", "1,000.50"]);
    }
}
