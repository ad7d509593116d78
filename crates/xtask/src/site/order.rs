//! The order of a module's functions. Compressed, a function costs little that is much like the ones right before it: in
//! an order made for that, a whole module takes 2.6 % less in brotli than ordered by name.

use std::collections::BTreeSet;

/// Bits of the set that stands for a body.
const BITS: usize = 8192;
/// Bytes of each piece that is looked for in others.
const PIECE: usize = 4;
/// Functions before the next one that it is held against. Of 1 to 24, and of pieces of 3 to 6 bytes, these were among the best; what lies near differs by 0.2 %.
const RECENT: usize = 8;
/// What the same signature counts beside what the bodies share, which is at most 1: the list of signatures is compressed, too.
const SAME_SIGNATURE: f64 = 0.1;
/// What the pieces count that are in any of the recent ones, beside those of the last one.
const IN_RECENT: f64 = 0.5;

/// A function as it is compressed.
pub struct Function<'a> {
    pub signature: u32,
    pub body: &'a [u8],
}

/// Which function goes first, which second, and so on; the same functions always have the same order.
pub fn alike_together(functions: &[Function]) -> Vec<usize> {
    let pieces: Vec<Pieces> = functions.iter().map(|function| Pieces::of(function.body)).collect();
    let mut left: BTreeSet<usize> = (0..functions.len()).collect();
    let mut order = Vec::new();
    let mut next = left
        .iter()
        .copied()
        .min_by_key(|&function| (functions[function].signature, functions[function].body));
    while let Some(last) = next {
        left.remove(&last);
        order.push(last);
        let recent = Pieces::of_any(order.iter().rev().take(RECENT).map(|&function| &pieces[function]));
        let fit = |candidate: usize| {
            let own = &pieces[candidate];
            let is_same = functions[candidate].signature == functions[last].signature;
            own.likeness(&pieces[last]) + IN_RECENT * own.share_in(&recent) + if is_same { SAME_SIGNATURE } else { 0.0 }
        };
        let fits = left.iter().map(|&candidate| (fit(candidate), candidate));
        next = fits
            .reduce(|best, other| if other.0 > best.0 { other } else { best })
            .map(|(_, function)| function);
    }
    order
}

/// Which pieces a body has. Two may share a bit; that only makes the order a little worse.
struct Pieces([u64; BITS / 64]);

impl Pieces {
    fn of(body: &[u8]) -> Self {
        let mut bits = [0; BITS / 64];
        for piece in body.windows(PIECE) {
            let number = piece.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
            // Fibonacci hashing: the upper bits of the product are well spread.
            let bit = (number.wrapping_mul(0x9e37_79b1) >> (32 - BITS.ilog2())) as usize;
            bits[bit / 64] |= 1 << (bit % 64);
        }
        Self(bits)
    }

    fn of_any<'a>(several: impl Iterator<Item = &'a Pieces>) -> Self {
        let mut bits = [0; BITS / 64];
        for pieces in several {
            for (all, own) in bits.iter_mut().zip(pieces.0) {
                *all |= own;
            }
        }
        Self(bits)
    }

    /// From 0, nothing in common, to 1, the same pieces (Jaccard).
    fn likeness(&self, other: &Self) -> f64 {
        let pairs = || self.0.iter().zip(other.0);
        let both: u32 = pairs().map(|(own, other)| (own & other).count_ones()).sum();
        let any: u32 = pairs().map(|(own, other)| (own | other).count_ones()).sum();
        f64::from(both) / f64::from(any.max(1))
    }

    fn share_in(&self, others: &Self) -> f64 {
        let both: u32 = self
            .0
            .iter()
            .zip(others.0)
            .map(|(own, other)| (own & other).count_ones())
            .sum();
        let own: u32 = self.0.iter().map(|own| own.count_ones()).sum();
        f64::from(both) / f64::from(own.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_stands_together_and_nothing_is_left_out() {
        let bodies: Vec<Vec<u8>> = (0..12_u8)
            .map(|n| {
                let kind = 40 * (n % 3);
                (kind..kind + 30).chain([n]).collect()
            })
            .collect();
        let function = |body| Function { signature: 0, body };
        let functions: Vec<Function> = bodies.iter().map(|body| function(body.as_slice())).collect();
        let order = alike_together(&functions);
        assert_eq!(order.iter().copied().collect::<BTreeSet<_>>(), (0..12).collect());
        let kinds: Vec<usize> = order.iter().map(|function| function % 3).collect();
        let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!(changes, 2, "{kinds:?}");
    }

    #[test]
    fn of_the_same_body_the_same_signature_goes_first() {
        let functions = [1, 2, 1].map(|signature| Function {
            signature,
            body: b"the same",
        });
        assert_eq!(alike_together(&functions), [0, 2, 1]);
        assert!(alike_together(&[]).is_empty());
    }
}
