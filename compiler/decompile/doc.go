// Package decompile is the reverse of the compiler: it turns a Nomad job into a profile to start from. The job may be
// one that machinectl compiled, or a foreign one.
//
// It is a pure function of the job: no cluster, no files, no clock.
//
// # How
//
//		job ─▶ redact ─▶ rename ─▶ sketch ─▶ text ─▶ hcl/profile, compiler ─▶ compare with the job ─▶ nomad {} ─▶ text
//
//	  - redact removes what looks like a secret before anything else sees it: an environment variable becomes secret(…),
//	    any other text a sensitive variable. No removed value appears in the profile, a note or an error.
//	  - rename gives tasks and port labels of a foreign job the names that a compiled job would have.
//	  - The sketch holds what the language can express.
//	  - The result of compiling the sketch is compared with the job. What is missing is written in Nomad's syntax
//	    into the nomad block where it fits. The rest becomes notes, which are comments in the text.
//
// # Invariants
//
// - The text is in canonical form, and loads and compiles without errors.
//   - A job that machinectl compiled gives a profile that compiles to the same revision, or notes on what differs.
//   - What a foreign job leaves at Nomad's default stays at machinectl's default, which may differ.
package decompile
