use anyhow::Result;

/// Measures two things by turns, so many times each. Returns the medians.
pub(crate) fn alternate(
    rounds: usize,
    mut ours: impl FnMut() -> Result<f64>,
    mut theirs: impl FnMut() -> Result<f64>,
) -> Result<(f64, f64)> {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        first.push(ours()?);
        second.push(theirs()?);
    }
    Ok((median(first), median(second)))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_measured_by_turns() {
        let order = std::cell::RefCell::new(String::new());
        let turn = |name: char, values: [f64; 3]| {
            let (order, mut values) = (&order, values.into_iter());
            move || {
                order.borrow_mut().push(name);
                Ok(values.next().expect("three rounds"))
            }
        };
        let medians = alternate(3, turn('a', [3.0, 1.0, 2.0]), turn('b', [10.0, 30.0, 20.0])).expect("figures");
        assert_eq!((medians, order.into_inner().as_str()), ((2.0, 20.0), "ababab"));
    }
}
