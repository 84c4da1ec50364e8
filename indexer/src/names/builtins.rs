//! Names that languages and their standard libraries bring: what they name is in no repository, and methods that so many
//! types have that being the only one of a repository says nothing.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::family::Family;

type Set = HashSet<&'static str>;

/// Whether a name that no scope explains is one of the language or its standard library.
pub fn is_name(family: Family, name: &str) -> bool {
    match family {
        Family::Rust => RUST.contains(name),
        Family::Python => PYTHON.contains(name),
        Family::Script => SCRIPT.contains(name),
        Family::Go => GO.contains(name),
        Family::Jvm => JVM.contains(name),
        Family::CSharp => CSHARP.contains(name),
        Family::C => C.contains(name),
        Family::Ruby => RUBY.contains(name),
        Family::Php => PHP.contains(name),
        _ => false,
    }
}

/// Whether so many types outside have a member of that name that the only one here is no evidence.
pub fn is_common(name: &str) -> bool {
    name.len() < 3 || COMMON.contains(name)
}

/// How much the name of a member says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renown {
    /// Few types outside have a member of that name.
    Telling,
    /// Many have.
    Common,
    /// Types that are part of the language have.
    OfLanguage,
}

/// How much the name of a member says.
pub fn renown(family: Family, name: &str) -> Renown {
    match (family, is_common(name)) {
        (Family::Script, _) if SCRIPT_MEMBERS.contains(name) => Renown::OfLanguage,
        (_, true) => Renown::Common,
        (_, false) => Renown::Telling,
    }
}

fn set(words: &'static str) -> Set {
    words.split_whitespace().collect()
}

static RUST: LazyLock<Set> = LazyLock::new(|| {
    set(
        "bool char str String u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 Some None Ok Err Vec Box drop panic println print eprintln \
         eprint format vec write writeln assert assert_eq assert_ne debug_assert debug_assert_eq debug_assert_ne matches todo unreachable unimplemented \
         env include_str include_bytes concat stringify line file column cfg compile_error dbg thread_local std core alloc Path PathBuf OsStr OsString \
         Duration Instant Default Clone Copy Debug Display PartialEq Eq PartialOrd Ord Hash From Into Iterator ToString ToOwned AsRef AsMut Drop Fn FnMut \
         FnOnce Send Sync Sized Unpin IntoIterator Extend DoubleEndedIterator ExactSizeIterator TryFrom TryInto FromIterator format_args module_path \
         i8x16 proc_macro test u8x16 SystemTime CString CStr Range RangeInclusive Ordering Formatter Layout",
    )
});

static PYTHON: LazyLock<Set> = LazyLock::new(|| {
    set(
        "abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr classmethod compile complex delattr dict dir divmod enumerate \
         eval exec filter float format frozenset getattr globals hasattr hash help hex id input int isinstance issubclass iter len list locals map max \
         memoryview min next object oct open ord pow print property range repr reversed round set setattr slice sorted staticmethod str sum super tuple \
         type vars zip __import__ None True False NotImplemented Ellipsis BaseException Exception ArithmeticError AssertionError AttributeError \
         BlockingIOError BrokenPipeError BufferError ConnectionError ConnectionAbortedError ConnectionRefusedError ConnectionResetError EOFError \
         FileExistsError FileNotFoundError FloatingPointError GeneratorExit IOError ImportError IndentationError IndexError InterruptedError \
         IsADirectoryError KeyError KeyboardInterrupt LookupError MemoryError ModuleNotFoundError NameError NotADirectoryError NotImplementedError OSError \
         OverflowError PermissionError ProcessLookupError RecursionError ReferenceError RuntimeError StopAsyncIteration StopIteration SyntaxError \
         SystemError SystemExit TabError TimeoutError TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError ValueError Warning \
         DeprecationWarning FutureWarning RuntimeWarning UserWarning ZeroDivisionError BaseExceptionGroup ExceptionGroup re",
    )
});

static SCRIPT: LazyLock<Set> = LazyLock::new(|| {
    set(
        "string number boolean any unknown never void object symbol bigint undefined null Object Function Boolean Symbol Error EvalError RangeError \
         ReferenceError SyntaxError TypeError URIError AggregateError Number BigInt Math Date String RegExp Int8Array Uint8Array Uint8ClampedArray Int16Array \
         Uint16Array Int32Array Uint32Array Float32Array Float64Array BigInt64Array BigUint64Array ArrayBuffer SharedArrayBuffer Atomics DataView JSON \
         Proxy Reflect Intl WebAssembly console process Buffer window document globalThis navigator location history localStorage sessionStorage fetch \
         Request Response Headers URL URLSearchParams AbortController AbortSignal Event EventTarget CustomEvent TextEncoder TextDecoder Blob File FormData \
         FileReader WebSocket Worker MessageChannel setTimeout clearTimeout setInterval clearInterval setImmediate clearImmediate queueMicrotask \
         structuredClone require module exports parseInt parseFloat isNaN isFinite encodeURIComponent decodeURIComponent encodeURI decodeURI escape \
         unescape alert eval crypto performance HTMLElement Element Node ReadableStream WritableStream TransformStream __dirname __filename describe it \
         test expect beforeEach afterEach beforeAll afterAll jest vi NodeJS Parameters Pick Omit Exclude Extract import",
    )
});

static GO: LazyLock<Set> = LazyLock::new(|| {
    set(
        "append cap clear close complex copy delete imag len make max min new panic print println real recover bool byte comparable complex64 complex128 error \
         float32 float64 int int8 int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr any true false iota nil",
    )
});

static JVM: LazyLock<Set> = LazyLock::new(|| {
    set(
        "int long short byte char float double boolean void Object String StringBuilder StringBuffer Integer Long Short Byte Character Float Double Boolean \
         Number Math System Thread Runnable Exception RuntimeException Error Throwable IllegalArgumentException IllegalStateException \
         NullPointerException UnsupportedOperationException IndexOutOfBoundsException Enum Record Comparable Iterable CharSequence Void Process Runtime \
         Class ClassLoader Package ThreadLocal StackTraceElement Cloneable AutoCloseable ArithmeticException ClassCastException \
         ClassNotFoundException CloneNotSupportedException InterruptedException NumberFormatException SecurityException \
         Int Unit Any Nothing println print listOf mapOf setOf mutableListOf mutableMapOf require check error lazy arrayOf emptyList emptyMap",
    )
});

static CSHARP: LazyLock<Set> = LazyLock::new(|| {
    set(
        "int long short byte char float double decimal bool void object string uint ulong ushort sbyte nint nuint dynamic var String Object Math Console \
         Exception ArgumentException ArgumentNullException InvalidOperationException NotSupportedException NotImplementedException DateTime TimeSpan Guid \
         Convert Environment GC Type Array Enum Attribute Action Func Predicate EventArgs Random Regex StringBuilder CancellationToken nameof typeof",
    )
});

static C: LazyLock<Set> = LazyLock::new(|| {
    set(
        "int long short char float double bool void unsigned signed size_t ssize_t uint8_t uint16_t uint32_t uint64_t int8_t int16_t int32_t int64_t auto \
         string std string_view ostream istream FILE",
    )
});

static RUBY: LazyLock<Set> = LazyLock::new(|| {
    set(
        "puts print p require require_relative raise attr_accessor attr_reader attr_writer include extend prepend private public protected lambda proc loop \
         String Integer Float Array Hash Symbol Time Date File Dir IO Kernel Object Class Module Struct Comparable Enumerable Range Regexp Set Proc Thread \
         Mutex Exception StandardError ArgumentError RuntimeError NotImplementedError JSON YAML Logger ENV ARGV",
    )
});

static PHP: LazyLock<Set> = LazyLock::new(|| {
    set(
        "int float string bool array mixed void never null object callable iterable parent Exception RuntimeException InvalidArgumentException \
         LogicException Throwable DateTime DateTimeImmutable Closure Iterator Countable ArrayAccess JsonSerializable stdClass count strlen sprintf \
         array_map array_filter in_array is_null isset empty implode explode",
    )
});

static COMMON: LazyLock<Set> = LazyLock::new(|| {
    set(
        "add all any append apply assert at begin bind call cancel catch clear clone close cmp collect commit compile concat connect contains copy count \
         create data debug decode default del delete dump dumps each emit empty encode end endswith ends_with entries entry eq equal equals error exec \
         execute exists exit expand expect extend fetch fill filter finalize find first flat_map flatten flush fold for_each forEach format from get \
         getattr get_mut group handle has hash hashCode head id includes index index_of indexOf info init input insert into into_iter is_empty isEmpty \
         is_err is_none is_ok is_some items iter iterator join key keys last len length list listen load loads lock log main map match match_ max message \
         min mkdir name new next notify now off offset on once open out output parse path peek ping pipe poll pop post print println process push put read \
         readline ready receive record recv reduce register release remove render repeat replace request reset resize resolve result resume return rev \
         reverse rollback run save search seek select self send serialize set set_default setdefault setUp shift show shutdown size skip sleep slice some sort \
         sorted splice split start starts_with startsWith startswith stat state status step stop store string strip sub submit subscribe sum swap sync tail \
         take tearDown tell test text then title to_owned to_string toString to_vec tostring trim trim_end trim_start truncate type unlock unsubscribe unwrap \
         update upper lower url user valueOf validate value values version visit wait warn warning width height with write writeln year month day zip \
         contains_key remove_entry retain drain chars bytes as_str as_ref as_bytes as_mut as_slice ok err and_then or_else map_err unwrap_or_else dispose done \
         finish flush_all getName getValue getId setValue hasNext exception critical fail success setup teardown",
    )
});

/// Members of arrays, strings, maps, promises, functions, objects, events and streams.
static SCRIPT_MEMBERS: LazyLock<Set> = LazyLock::new(|| {
    set(
        "at concat copyWithin entries every fill filter find findIndex findLast findLastIndex flat flatMap forEach includes indexOf join keys lastIndexOf map \
         pop push reduce reduceRight reverse shift slice some sort splice toReversed toSorted toSpliced unshift values with charAt charCodeAt codePointAt \
         endsWith localeCompare match matchAll normalize padEnd padStart repeat replace replaceAll search split startsWith substring toLowerCase toUpperCase \
         trim trimEnd trimStart toString valueOf toFixed toJSON hasOwnProperty get set has add delete clear then catch finally apply bind call exec test next \
         return throw getTime toISOString preventDefault stopPropagation addEventListener removeEventListener dispatchEvent getReader getWriter enqueue pipeTo \
         pipeThrough",
    )
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_languages_are_known() {
        assert!(is_name(Family::Python, "len") && !is_name(Family::Python, "Pool"));
        assert!(is_name(Family::Rust, "println") && is_name(Family::Script, "console"));
        assert_eq!(renown(Family::Script, "flatMap"), Renown::OfLanguage);
        assert_eq!(
            (renown(Family::Script, "load"), renown(Family::Rust, "flatMap")),
            (Renown::Common, Renown::Telling)
        );
        assert!(is_common("get") && is_common("x") && !is_common("acquire_connection"));
    }
}
