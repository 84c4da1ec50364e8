use a::http::routes;
mod m { pub fn f(){} }
fn g(){}
fn main(){ println!("{}", routes!(g, m::f)); }
