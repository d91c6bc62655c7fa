// Package profile turns profile text (HCL) into a typed [Profile] plus diagnostics.
//
// It knows the language: variables, locals, modules, machines, inheritance, pools, and every check that needs no cluster.
// It does not know Nomad: the compiler decides what a machine becomes, and nothing here imports Nomad's API.
//
// Loading returns a value *and* diagnostics: the value is complete only when there are no errors, but a partial one is
// returned so that all mistakes are reported together.
//
// # Where things are
//
//	text_*     files, encodings, the parser and its errors, reworded; formatting
//	grammar*   the language as one table: every block and argument, its type, default, choices and documentation
//	eval_*     expressions: variables, locals, functions, run-time values
//	secret*    values that must not be shown
//	read*      blocks and arguments, read by the grammar; for_each, dynamic, modules, inheritance
//	build*     the typed profile and the checks that concern more than one argument
//	load.go    the order in which all this happens
//
// The grammar is one table. Decoding, suggestions, defaults, [Schema] and [Reference]
// come from it.
//
// # Order of evaluation
//
// Within one directory: environment blocks, variables, local values (each after those it refers to), modules, machines,
// pools. An expression sees
//
//   - var, local: in machines, pools, modules' inputs; var alone in a variable's validation; neither in constants,
//   - machine, module: where a reference to a machine is expected,
//   - each, and the iterators of dynamic blocks: in what they make,
//   - nomad, self: as placeholders for what is known on the machine only (see [Expand]).
//
// A module sees only its inputs, and the file that uses it sees only the module's machines.
//
// # Merging: extends, override
//
// A machine is merged over the machine that it extends, and a pool's override over the pool's machine. The rules are the
// same at each level:
//
//  1. An argument wins over the inherited one. null removes the inherited one, so that the default applies.
//  2. env, settings and offers are maps: the items win one by one. A variable that was a secret can become plain text and
//     the other way round. All other lists and maps are replaced whole.
//  3. A block is merged with its namesake, which is of the same kind and has the same name. Others are added after the
//     inherited ones.
//  4. Blocks that may be repeated without a name (artifact, constraint, affinity, spread) are added to the inherited ones.
//  5. The content of nomad { group {} } and nomad { task {} } is merged into Nomad's job in this order: the inherited content,
//     the machine's own, the pool's override, the pool's nomad block. See package compiler.
//  6. A block can't be removed. For gpu, count = 0 has that effect.
//
// What must be there is checked after merging; a machine that is only extended or overridden may be incomplete.
//
// # Bounds
//
// A text may be anything: nesting, file sizes, the work of loops and templates, and the size of numbers are bounded
// (text_parse.go, eval_guard.go), so that loading ends in bounded time and never panics.
package profile
