//! An answer's body: collected piece by piece under its caps, decoded on the way.
//!
//! One layer of gzip at most: the gate asks for nothing else, and a second layer is how a bomb hides.

use flate2::write::MultiGzDecoder;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use tollgate_core::model::limits;

/// Why a body is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Larger than this many bytes, decoded.
    TooLarge(u64),
    /// It cannot be decoded.
    Broken(&'static str),
}

/// What bounds a body.
#[derive(Clone, Copy)]
pub(super) struct Bounds<'a> {
    /// Decoded bytes of this body.
    pub(super) bytes_max: u64,
    /// Decoded bytes that are left to the call; taken from as the body grows.
    pub(super) left: Option<&'a AtomicU64>,
    /// Bytes that this body may have when nothing is left to the call.
    pub(super) reserve: u64,
}

/// A body under way.
pub(super) enum Body<'a> {
    Identity(Sink<'a>),
    Gzip { decoder: Box<MultiGzDecoder<Sink<'a>>>, encoded: u64 },
}

impl<'a> Body<'a> {
    /// A body with this `content-encoding`; `length` is what the answer announces.
    pub(super) fn new(encoding: Option<&[u8]>, length: Option<u64>, bounds: Bounds<'a>) -> Result<Self, Cut> {
        let encoding = encoding.unwrap_or(b"identity");
        let is = |name: &str| encoding.eq_ignore_ascii_case(name.as_bytes());
        if let Some(length) = length
            && length > bounds.bytes_max
        {
            return Err(Cut::TooLarge(bounds.bytes_max));
        }
        let mut sink = Sink { bytes: Vec::new(), encoded: None, bounds, cut: None };
        if is("gzip") || is("x-gzip") {
            sink.encoded = Some(0);
            return Ok(Body::Gzip { decoder: Box::new(MultiGzDecoder::new(sink)), encoded: 0 });
        }
        if !is("identity") && !encoding.is_empty() {
            return Err(Cut::Broken("it has an encoding that was not asked for"));
        }
        if let Some(length) = length {
            sink.bytes.reserve_exact(usize::try_from(length).unwrap_or(0));
        }
        Ok(Body::Identity(sink))
    }

    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Cut> {
        match self {
            Body::Identity(sink) => sink.take(piece),
            Body::Gzip { decoder, encoded } => {
                *encoded += piece.len() as u64;
                decoder.get_mut().encoded = Some(*encoded);
                let written = decoder.write_all(piece);
                // The sink's own verdict says more than the decoder's error about it.
                match (decoder.get_mut().cut.take(), written) {
                    (Some(cut), _) => Err(cut),
                    (None, Ok(())) => Ok(()),
                    (None, Err(_)) => Err(Cut::Broken("its gzip is damaged")),
                }
            }
        }
    }

    /// The whole body.
    pub(super) fn finish(self) -> Result<Vec<u8>, Cut> {
        match self {
            Body::Identity(sink) => Ok(sink.bytes),
            Body::Gzip { encoded: 0, .. } => Ok(Vec::new()),
            Body::Gzip { mut decoder, .. } => {
                let ended = decoder.try_finish();
                match (decoder.get_mut().cut.take(), ended) {
                    (Some(cut), _) => Err(cut),
                    (None, Err(_)) => Err(Cut::Broken("its gzip is cut short")),
                    (None, Ok(())) => Ok(std::mem::take(&mut decoder.get_mut().bytes)),
                }
            }
        }
    }
}

/// Where decoded bytes go; refuses those beyond the bounds, so that no more than one decoder buffer is ever too many.
pub(super) struct Sink<'a> {
    bytes: Vec<u8>,
    /// Encoded bytes seen so far, where there is an encoding.
    encoded: Option<u64>,
    bounds: Bounds<'a>,
    cut: Option<Cut>,
}

impl Sink<'_> {
    fn take(&mut self, piece: &[u8]) -> Result<(), Cut> {
        /// Below this size a high ratio is ordinary: JSON of one repeated record.
        const RATIO_FROM_BYTES: u64 = 1 << 20;
        let decoded = (self.bytes.len() + piece.len()) as u64;
        if decoded > self.bounds.bytes_max {
            return Err(Cut::TooLarge(self.bounds.bytes_max));
        }
        if let Some(encoded) = self.encoded
            && decoded > RATIO_FROM_BYTES
            && decoded > encoded.saturating_mul(limits::RESPONSE_RATIO_MAX as u64)
        {
            return Err(Cut::Broken("it unpacks to far more than it holds"));
        }
        if let Some(left) = self.bounds.left {
            let bytes = piece.len() as u64;
            let take =
                |left: u64| (bytes.saturating_sub(left) <= self.bounds.reserve).then(|| left.saturating_sub(bytes));
            let left = left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .map_err(|_| Cut::TooLarge(limits::CALL_RESPONSE_BYTES_MAX))?;
            self.bounds.reserve -= bytes.saturating_sub(left);
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        match self.take(piece) {
            Ok(()) => Ok(piece.len()),
            Err(cut) => {
                self.cut = Some(cut);
                Err(io::Error::other("cut"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(encoding: Option<&[u8]>, bytes: &[u8], bytes_max: u64) -> Result<Vec<u8>, Cut> {
        let mut body = Body::new(encoding, None, Bounds { bytes_max, left: None, reserve: 0 })?;
        for piece in bytes.chunks(1_000) {
            body.push(piece)?;
        }
        body.finish()
    }

    /// Plain and packed bodies come out as they were; an unknown encoding and a damaged one are refused (B1, B2).
    #[test]
    fn decoded() {
        let text = b"0123456789".repeat(1_000);
        let packed = gzip(&text);
        let mut twice = packed.clone();
        twice.extend_from_slice(&packed);
        assert_eq!(read(None, &text, 10_000), Ok(text.clone()));
        assert_eq!(read(Some(b"GZIP"), &packed, 10_000), Ok(text.clone()));
        assert_eq!(read(Some(b"gzip"), &twice, 20_000), Ok(text.repeat(2)));
        assert_eq!(read(Some(b"gzip"), b"", 10), Ok(vec![]), "an answer without a body");
        assert_eq!(read(Some(b"identity"), b"x", 10), Ok(b"x".to_vec()));
        for bad in [&b"br"[..], b"zstd", b"gzip, gzip", b"deflate"] {
            assert!(matches!(read(Some(bad), b"x", 10), Err(Cut::Broken(_))));
        }
        assert!(matches!(read(Some(b"gzip"), &packed[..packed.len() - 4], 10_000), Err(Cut::Broken(_))));
        assert!(matches!(read(Some(b"gzip"), b"not gzip at all", 10_000), Err(Cut::Broken(_))));
    }

    /// A body is cut at its cap, at the call's, and where it unpacks to more than a hundred times itself.
    #[test]
    fn cut() {
        assert_eq!(read(None, &[0; 11], 10), Err(Cut::TooLarge(10)));
        assert_eq!(read(Some(b"gzip"), &gzip(&[0; 1_001]), 1_000), Err(Cut::TooLarge(1_000)));
        let bomb = gzip(&vec![0; 8 << 20]);
        assert!(bomb.len() < 10_000);
        assert!(matches!(read(Some(b"gzip"), &bomb, 16 << 20), Err(Cut::Broken(_))));

        let left = AtomicU64::new(15);
        let bounds = Bounds { bytes_max: 10, left: Some(&left), reserve: 0 };
        let mut first = Body::new(None, Some(10), bounds).unwrap();
        first.push(&[0; 10]).unwrap();
        let mut second = Body::new(None, None, bounds).unwrap();
        assert_eq!(second.push(&[0; 6]), Err(Cut::TooLarge(limits::CALL_RESPONSE_BYTES_MAX)));
        assert_eq!(left.load(Ordering::Relaxed), 5);
        assert_eq!(Body::new(None, Some(11), bounds).err(), Some(Cut::TooLarge(10)), "refused by its announcement");

        // With a reserve of its own, a body takes what is left and then that much, however it is cut into pieces.
        let reserved = Bounds { reserve: 4, ..bounds };
        let mut third = Body::new(None, None, reserved).unwrap();
        for piece in [3, 3, 3] {
            third.push(&vec![0; piece]).unwrap();
        }
        assert_eq!(left.load(Ordering::Relaxed), 0);
        assert!(third.push(&[0; 1]).is_err());
        let mut fourth = Body::new(None, None, reserved).unwrap();
        fourth.push(&[0; 4]).unwrap();
        assert!(fourth.push(&[0; 1]).is_err());
    }
}
