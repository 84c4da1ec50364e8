//! m
/// M
pub struct M;
/// r
#[macro_export]
#[doc(hidden)]
macro_rules! mounted_routes {
    (@on $x:ident [$($m:ident)*] $h:ident) => { $($m ::)* $h() };
    (@on $x:ident [$($m:ident)*] $n:ident :: $($r:tt)+) => { $crate::http::routes!(@on $x [$($m)* $n] $($r)+) };
    ($($($p:ident)::+),+ $(,)?) => {{ let x = $crate::http::described_routes!($($($p)::+),+); $($crate::http::routes!(@on x [] $($p)::+);)+ x }};
}
/// d
#[macro_export]
#[doc(hidden)]
macro_rules! described_routes { ($($h:path),+) => { 7 }; }
#[doc(hidden)]
pub use described_routes;
pub use mounted_routes as routes;
