//! Bounded reading and writing of the store's own objects: numbers, runs, sections, and the envelope round them.
//! What the sections of HEAD, refs and snapshots mean is the business of their own modules.

use std::io::Read;

/// Encoded objects hold text tables only; anything larger is damage, not data.
const MAX_SECTION: u64 = 1 << 30;
/// Fast, and within a few per cent of the slower levels on front-coded paths.
const ZSTD_LEVEL: i32 = 3;
const HEADER_LEN: usize = 8;
const CHECKSUM_LEN: usize = 4;

/// Why bytes cannot be read as what they claim to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Damage(pub(super) String);

impl Damage {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// Magic and versions of one kind of object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    /// First four bytes.
    pub(super) magic: [u8; 4],
    /// Version written.
    pub(super) version: u16,
    /// Oldest reader that understands what is written.
    pub(super) min_reader: u16,
}

/// Writes an object: header, sections in the order given, checksum.
#[derive(Debug)]
pub(super) struct Envelope {
    bytes: Encoder,
}

impl Envelope {
    pub(super) fn new(format: Format) -> Self {
        let mut bytes = Encoder::default();
        bytes.raw(&format.magic);
        bytes.raw(&format.version.to_le_bytes());
        bytes.raw(&format.min_reader.to_le_bytes());
        Self { bytes }
    }

    /// Appends a section, compressed where that makes it smaller.
    pub(super) fn section(&mut self, tag: u8, content: &Encoder) {
        let raw = content.as_slice();
        let packed = zstd::bulk::compress(raw, ZSTD_LEVEL).ok().filter(|packed| packed.len() < raw.len());
        self.bytes.raw(&[tag, u8::from(packed.is_some())]);
        let stored = packed.as_deref().unwrap_or(raw);
        self.bytes.number(raw.len() as u64);
        self.bytes.number(stored.len() as u64);
        self.bytes.raw(stored);
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let checksum = crc32c::crc32c(self.bytes.as_slice());
        self.bytes.raw(&checksum.to_le_bytes());
        self.bytes.into_vec()
    }
}

/// The sections of an object whose header and checksum are right.
#[derive(Debug)]
pub(super) struct Sections<'a> {
    found: Vec<Stored<'a>>,
}

#[derive(Debug)]
struct Stored<'a> {
    tag: u8,
    packed: bool,
    raw_len: u64,
    bytes: &'a [u8],
}

impl<'a> Sections<'a> {
    pub(super) fn open(format: Format, bytes: &'a [u8]) -> Result<Self, Damage> {
        let body = check(format, bytes)?;
        let mut decoder = Decoder::new(body);
        let mut found: Vec<Stored<'a>> = Vec::new();
        while !decoder.is_empty() {
            let stored = read_stored(&mut decoder)?;
            if found.iter().any(|earlier| earlier.tag == stored.tag) {
                return Err(Damage::new(format!("section {} comes twice", stored.tag)));
            }
            found.push(stored);
        }
        Ok(Self { found })
    }

    /// The content of a section. Sections that nobody asks for are skipped: a newer writer may add some.
    pub(super) fn section(&self, tag: u8) -> Result<Vec<u8>, Damage> {
        self.optional(tag)?.ok_or_else(|| Damage::new(format!("section {tag} is missing")))
    }

    /// The content of a section that earlier writers did not write, or that is left out when it is empty.
    pub(super) fn optional(&self, tag: u8) -> Result<Option<Vec<u8>>, Damage> {
        let Some(stored) = self.found.iter().find(|stored| stored.tag == tag) else { return Ok(None) };
        let content = if stored.packed { unpack(stored) } else { Some(stored.bytes.to_vec()) };
        content
            .filter(|content| content.len() as u64 == stored.raw_len)
            .map(Some)
            .ok_or_else(|| Damage::new(format!("section {tag} does not hold the {} bytes it promises", stored.raw_len)))
    }
}

/// Checks magic, checksum and versions, in the order that tells a reader most; returns what lies between them.
fn check(format: Format, bytes: &[u8]) -> Result<&[u8], Damage> {
    if bytes.len() < HEADER_LEN + CHECKSUM_LEN || bytes[..4] != format.magic {
        let name = String::from_utf8_lossy(&format.magic).into_owned();
        return Err(Damage::new(format!("{} bytes do not begin with the magic `{name}`", bytes.len())));
    }
    let (body, checksum) = bytes.split_at(bytes.len() - CHECKSUM_LEN);
    if crc32c::crc32c(body).to_le_bytes() != checksum {
        return Err(Damage::new(format!("checksum of bytes 0..{} is wrong", body.len())));
    }
    let min_reader = u16::from_le_bytes([bytes[6], bytes[7]]);
    if min_reader > format.version {
        let version = format.version;
        return Err(Damage::new(format!(
            "format {min_reader} is newer than this program reads ({version}): upgrade KotaDB"
        )));
    }
    Ok(&body[HEADER_LEN..])
}

fn read_stored<'a>(decoder: &mut Decoder<'a>) -> Result<Stored<'a>, Damage> {
    let tag = decoder.byte()?;
    let packed = match decoder.byte()? {
        0 => false,
        1 => true,
        codec => return Err(Damage::new(format!("section {tag} has the unknown codec {codec}"))),
    };
    let raw_len = decoder.number()?;
    if raw_len > MAX_SECTION {
        return Err(Damage::new(format!("section {tag} promises {raw_len} bytes")));
    }
    let len = decoder.size()?;
    Ok(Stored { tag, packed, raw_len, bytes: decoder.take(len)? })
}

/// Memory grows with what comes out, so a false length costs nothing.
fn unpack(stored: &Stored<'_>) -> Option<Vec<u8>> {
    let mut content = Vec::with_capacity((stored.raw_len as usize).min(stored.bytes.len().saturating_mul(16)));
    let reader = zstd::stream::read::Decoder::with_buffer(stored.bytes).ok()?;
    reader.take(stored.raw_len + 1).read_to_end(&mut content).ok()?;
    Some(content)
}

/// Appends little-endian fields to a buffer.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// LEB128: seven bits a byte, least significant first.
    pub(super) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// A signed number, folded so that small magnitudes are short.
    pub(super) fn signed(&mut self, value: i64) {
        self.number(((value << 1) ^ (value >> 63)) as u64);
    }

    /// Length, then the bytes.
    pub(super) fn text(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.raw(bytes);
    }

    /// Values as (length of run, value).
    pub(super) fn runs(&mut self, values: impl Iterator<Item = u64>) {
        let mut run: Option<(u64, u64)> = None;
        for value in values {
            run = match run {
                Some((length, same)) if same == value => Some((length + 1, same)),
                other => {
                    self.run(other);
                    Some((1, value))
                }
            };
        }
        self.run(run);
    }

    fn run(&mut self, run: Option<(u64, u64)>) {
        if let Some((length, value)) = run {
            self.number(length);
            self.number(value);
        }
    }

    /// Rows of one width, byte column by byte column: the constant leading bytes of ids of one age then compress away.
    pub(super) fn transposed<const N: usize>(&mut self, rows: &[[u8; N]]) {
        for column in 0..N {
            self.bytes.extend(rows.iter().map(|row| row[column]));
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn into_vec(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads what [`Encoder`] wrote. Every length is checked against the bytes that are left before it is used.
#[derive(Debug)]
pub(super) struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    pub(super) fn damage(&self, what: &str) -> Damage {
        Damage::new(format!("{what} at byte {} of {}", self.at, self.bytes.len()))
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Damage> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..len).ok_or_else(|| self.damage(&format!("{len} bytes are missing")))?;
        self.at += len;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Damage> {
        Ok(self.array::<1>()?[0])
    }

    #[inline]
    pub(super) fn number(&mut self) -> Result<u64, Damage> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_number(),
        }
    }

    fn long_number(&mut self) -> Result<u64, Damage> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.damage("number is longer than 64 bits"))
    }

    pub(super) fn signed(&mut self) -> Result<i64, Damage> {
        let folded = self.number()?;
        Ok((folded >> 1) as i64 ^ -((folded & 1) as i64))
    }

    pub(super) fn number32(&mut self) -> Result<u32, Damage> {
        let value = self.number()?;
        u32::try_from(value).map_err(|_| self.damage("number is longer than 32 bits"))
    }

    /// A length in bytes; [`Decoder::take`] checks it.
    pub(super) fn size(&mut self) -> Result<usize, Damage> {
        let value = self.number()?;
        usize::try_from(value).map_err(|_| self.damage("length is out of reach"))
    }

    /// A count of things that take at least `least` bytes each of what is left, so it may size an allocation.
    pub(super) fn count(&mut self, least: usize) -> Result<usize, Damage> {
        let count = self.size()?;
        if count > (self.bytes.len() - self.at) / least.max(1) {
            return Err(self.damage(&format!("{count} items cannot fit")));
        }
        Ok(count)
    }

    pub(super) fn text(&mut self) -> Result<&'a [u8], Damage> {
        let len = self.size()?;
        self.take(len)
    }

    /// Reads runs of exactly `total` values in all, handing each value and the places it fills to `fill`.
    pub(super) fn runs(
        &mut self,
        total: usize,
        mut fill: impl FnMut(std::ops::Range<usize>, u64) -> Result<(), Damage>,
    ) -> Result<(), Damage> {
        let mut at = 0;
        while at < total {
            let length = self.size()?;
            if length == 0 || length > total - at {
                return Err(self.damage("run is empty or too long"));
            }
            fill(at..at + length, self.number()?)?;
            at += length;
        }
        Ok(())
    }

    pub(super) fn transposed<const N: usize>(&mut self, rows: usize) -> Result<Vec<[u8; N]>, Damage> {
        let len = rows.checked_mul(N).ok_or_else(|| self.damage("table is out of reach"))?;
        let columns = self.take(len)?;
        let mut table = vec![[0; N]; rows];
        for (column, bytes) in columns.chunks_exact(rows.max(1)).enumerate() {
            for (row, byte) in table.iter_mut().zip(bytes) {
                row[column] = *byte;
            }
        }
        Ok(table)
    }

    pub(super) fn finish(self) -> Result<(), Damage> {
        if self.is_empty() { Ok(()) } else { Err(self.damage("bytes are left over")) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FORMAT: Format = Format { magic: *b"TEST", version: 2, min_reader: 1 };

    proptest! {
        #[test]
        fn numbers_come_back(values: Vec<u64>, signed: Vec<i64>) {
            let mut encoder = Encoder::default();
            values.iter().for_each(|value| encoder.number(*value));
            signed.iter().for_each(|value| encoder.signed(*value));
            let mut decoder = Decoder::new(encoder.as_slice());
            for value in values {
                prop_assert_eq!(decoder.number().unwrap(), value);
            }
            for value in signed {
                prop_assert_eq!(decoder.signed().unwrap(), value);
            }
            prop_assert!(decoder.finish().is_ok());
        }

        #[test]
        fn runs_and_tables_come_back(values in prop::collection::vec(0u64..4, 0..200), rows: Vec<[u8; 5]>) {
            let mut encoder = Encoder::default();
            encoder.runs(values.iter().copied());
            encoder.transposed(&rows);
            let mut decoder = Decoder::new(encoder.as_slice());
            let mut read = vec![9; values.len()];
            decoder.runs(values.len(), |places, value| { read[places].fill(value); Ok(()) }).unwrap();
            prop_assert_eq!(read, values);
            prop_assert_eq!(decoder.transposed::<5>(rows.len()).unwrap(), rows);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut decoder = Decoder::new(&bytes);
            while decoder.number().is_ok() && decoder.text().is_ok() {}
            let _ = Decoder::new(&bytes).transposed::<16>(usize::MAX / 8);
            let _ = Decoder::new(&bytes).count(24);
        }
    }

    #[test]
    fn sections_nobody_asks_for_are_skipped() {
        let mut envelope = Envelope::new(FORMAT);
        let mut content = Encoder::default();
        content.raw(&[7; 1000]);
        envelope.section(200, &content);
        envelope.section(1, &content);
        let bytes = envelope.finish();
        assert!(bytes.len() < 100, "a constant section compresses: {}", bytes.len());
        assert_eq!(Sections::open(FORMAT, &bytes).unwrap().section(1).unwrap(), vec![7; 1000]);
        assert!(Sections::open(FORMAT, &bytes).unwrap().section(2).is_err());
    }

    #[test]
    fn newer_formats_ask_for_an_upgrade() {
        let bytes = Envelope::new(Format { min_reader: 3, version: 3, ..FORMAT }).finish();
        assert!(Sections::open(FORMAT, &bytes).unwrap_err().0.contains("upgrade KotaDB"));
        let bytes = Envelope::new(Format { min_reader: 2, version: 9, ..FORMAT }).finish();
        assert!(Sections::open(FORMAT, &bytes).is_ok());
    }

    #[test]
    fn a_false_length_costs_no_memory() {
        let mut bytes = Encoder::default();
        bytes.raw(b"TEST\x02\x00\x01\x00\x01\x01");
        bytes.number(MAX_SECTION);
        let packed = zstd::bulk::compress(b"short", 3).unwrap();
        bytes.text(&packed);
        let checksum = crc32c::crc32c(bytes.as_slice());
        bytes.raw(&checksum.to_le_bytes());
        let sections = Sections::open(FORMAT, bytes.as_slice()).unwrap();
        assert!(sections.section(1).is_err());
    }
}
