// Package view shows plans, progress and pools, to people and to programs. It decides nothing: what it is given is
// written, aligned and coloured, with sensitive values masked in either form.
package view
