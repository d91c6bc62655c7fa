// Package decompile is the compiler run backwards: it makes a profile to start from out of a Nomad job, be it one that
// machinectl compiled or one that somebody wrote.
//
// It is a pure function of the job: no cluster, no files, no clock.
//
// # How
//
//		job ─▶ redact ─▶ rename ─▶ sketch ─▶ text ─▶ hcl/profile, compiler ─▶ compare with the job ─▶ nomad {} ─▶ text
//
//	  - redact takes out what looks like a secret, before anything else sees it: an environment variable becomes secret(…),
//	    any other text a sensitive variable. No value that was taken out is in the profile, in a note or in an error.
//	  - rename gives tasks and port labels of a stranger's job the names that a compiled job would have.
//	  - The sketch is what the language has words for.
//	  - What the compiler makes of the sketch is compared with the job, and what is missing is written in Nomad's own words
//	    into the nomad block, so far as it is accepted there. The rest becomes notes, which stand as comments in the text.
//
// # Invariants
//
//   - The text is in the canonical form, and loads and compiles without errors.
//   - A job that machinectl compiled gives a profile that compiles to the same revision, or notes that say what differs.
//   - What a stranger's job leaves at Nomad's default is left at machinectl's default, which may be another one.
package decompile
