//! Pieces that files of tests are put together from: names are few, so that they meet.

/// Pieces of one language, and the files that are made of them.
#[derive(Clone, Copy, Debug)]
pub struct Pieces {
    pub paths: &'static [&'static str],
    pub all: &'static [&'static str],
}

pub const PYTHON: Pieces = Pieces {
    paths: &["a.py", "b.py", "c.py", "d/e.py", "d/__init__.py", "__init__.py"],
    all: &[
        "class A:\n    def f(self): return self.g()\n    def g(self) -> B: ...\n",
        "class B(A):\n    def g(self): ...\n    x: A\n",
        "class A(C):\n    pass\n",
        "class C:\n    def h(self): ...\n    def f(self): ...\n",
        "def f(): return A()\n",
        "def g(x: A):\n    x.g().f()\n    x.h()\n",
        "def h():\n    f().g().x.h()\n    unknown.g()\n    g()\n",
        "from a import *\n",
        "from a import A, f\n",
        "from b import f as g\n",
        "from . import b\n",
        "import c\n",
        "from c import A as B\n",
        "b.f().g()\nc.A().f().g()\n",
        "v = f()\n",
        "def k():\n    v.g().x.f()\n    h()\n",
        "from .d.e import C\nC().f()\n",
        "def k(x: B):\n    x.f()\n    x.x.h()\n",
    ],
};

/// Overloads, types above, and what arguments give, in one package and two others.
pub const JAVA: Pieces = Pieces {
    paths: &["p/A.java", "p/B.java", "p/C.java", "q/A.java", "q/D.java", "p/r/E.java"],
    all: &[
        "class A { void f(Object o) {} void f(B b) {} void f(int n) {} B g() { return null; } }\n",
        "class A { void f(String s) {} A g() { return this; } static A make() { return new A(); } }\n",
        "class A extends C { A() {} void f(D d) {} }\n",
        "class B extends A { void f(String s) {} void h() { f(g()); f(1); f(\"\"); super.f(g()); } }\n",
        "class B implements D { public B() {} B x; void h() { x.f(this); x.g().f(x); } }\n",
        "class C { void f(Object o) {} void f(Class<?> c) {} int g() { return 1; } }\n",
        "class C { <T extends B> void f(T t) {} void g(A... all) {} B x; }\n",
        "interface D { void f(A a); default A g() { return null; } }\n",
        "interface D { int ONE = 1; void f(B b); void f(A a); }\n",
        "class D { static void f(A a) {} static void f(Object o) {} void g() { D.f(A.make()); f(B.class); } }\n",
        "class E { void f(A a, C c) { a.f(c.g()); a.f(a.g()); c.f(a); unknown.f(c); } }\n",
        "class E { B x; C y; void f() { x.f(y.g()); y.f(x); y.x.g(); new B().f(D.ONE); } }\n",
        "import p.A;\n",
        "import p.*;\n",
        "import q.A;\n",
        "import static q.D.f;\n",
        "import p.r.E;\n",
        "enum A { ONE; void f(D d) { f(ONE); } }\n",
    ],
};

/// Includes, namespaces, macros, names of types, declarations and their bodies elsewhere.
pub const PLUS: Pieces = Pieces {
    paths: &["a.h", "b.h", "c.h", "a.cc", "b.cc", "d/e.cc"],
    all: &[
        "#include \"a.h\"\n",
        "#include \"b.h\"\n",
        "#include \"c.h\"\n",
        "#define CHECK(x) f(x)\n",
        "#define CHECK(x) g()\n",
        "namespace n { class A; }\n",
        "namespace n { class A { public: int f(int k); B* g(); C c; enum { One }; }; }\n",
        "namespace n { class A { public: int g(); int f(const A& a) { return g(); } }; }\n",
        "namespace n { class B : public A { public: int f(); int operator[](int k); A* a; }; }\n",
        "class C { public: int f(); n::A* a; };\n",
        "typedef n::A D;\nusing C = n::B;\n",
        "int n::A::f(int k) { return g()->f(); }\n",
        "n::B* n::A::g() { CHECK(c.f()); return c.a->g(); }\n",
        "namespace n { static int f(int k) { return k; } int g() { return f(One) + A::One; } }\n",
        "static int f(int k) { CHECK(k); return k; }\n",
        "int g() { n::A a; D d; a.f(1); d.f(f(2)); return n::g(); }\n",
        "int h(n::B* b, C c) { b[1].f(); b->a->f(1); c.a->g()->f(); C e(g()); return c.f() + f(1); }\n",
        "using namespace n;\nint k(A* a, B* b) { return a->g()->f() + b->f(); }\n",
    ],
};

/// Types for several builds, interfaces, embedding, functions in fields.
pub const GO: Pieces = Pieces {
    paths: &["a/a.go", "a/b.go", "a/a_linux.go", "b/a.go", "b/b.go", "go.go"],
    all: &[
        "type A struct{ B; x *C }\n",
        "type A struct{ f func(n int) int; y B }\n",
        "type B struct{ C }\n",
        "type B interface { f(n int) int; G() *A }\n",
        "type C interface { f(n int) int }\n",
        "type C struct{ A *A }\n",
        "func (a *A) f(n int) int { return a.x.f(n) }\n",
        "func (a A) G() *A { return a.y.G() }\n",
        "func (b B) f(n int) int { return b.f(n) + h(b) }\n",
        "func (c *C) f(n int) int { return c.A.G().f(n) }\n",
        "func h(x C) int { return x.f(1) + unknown.f(2) }\n",
        "func h(b B) *A { return b.G().G() }\n",
        "func k() { h(nil).f(1); v.f(2); v.y.G().f(3) }\n",
        "var v = h(nil)\n",
        "var v A\n",
        "import \"m/b\"\nfunc m() { b.H().f(1); var x b.A; x.G().f(2) }\n",
        "func H() *A { return &A{} }\n",
        "type A = C\n",
    ],
};
