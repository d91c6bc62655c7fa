package main

import (
	"os"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
)

// clusterFlags returns the flags that select a Nomad cluster for a command that places pools. Where they are absent, the
// environment variables of Nomad's own tools apply, those for TLS included.
func clusterFlags() []cli.Flag {
	return flagsOfCluster("`NAME` of the namespace of pools that name none; else NOMAD_NAMESPACE", "`NAME` of the region of pools that name none; else NOMAD_REGION")
}

// lookupFlags returns the same flags for a command that looks for what is in the cluster already.
func lookupFlags() []cli.Flag {
	return flagsOfCluster("look only in the namespace `NAME`; else in NOMAD_NAMESPACE, else in all", "look in the region `NAME`; else in NOMAD_REGION")
}

func flagsOfCluster(namespace, region string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "address", Usage: "`URL` of Nomad; else NOMAD_ADDR"},
		&cli.StringFlag{Name: "token", Usage: "ACL `TOKEN`; else NOMAD_TOKEN"},
		&cli.StringFlag{Name: "namespace", Usage: namespace},
		&cli.StringFlag{Name: "region", Usage: region},
	}
}

// cluster returns the Nomad cluster that a command's flags and environment select, and the place of pools that name none.
func cluster(cmd *cli.Command) (*plan.Cluster, plan.Place, error) {
	client, at, err := nomadClient(cmd)
	if err != nil {
		return nil, at, err
	}
	return plan.NewCluster(client), at, nil
}

// nomadClient returns a client of that cluster's API.
func nomadClient(cmd *cli.Command) (*nomad.Client, plan.Place, error) {
	config := nomad.DefaultConfig()
	at := plan.Place{Region: os.Getenv("NOMAD_REGION"), Namespace: os.Getenv("NOMAD_NAMESPACE")}
	for flag, target := range map[string]*string{
		"address": &config.Address, "token": &config.SecretID, "namespace": &at.Namespace, "region": &at.Region,
	} {
		if v := cmd.String(flag); v != "" {
			*target = v
		}
	}
	client, err := nomad.NewClient(config)
	if err != nil {
		return nil, at, misuse(cmd, "-address or the NOMAD_ variables are wrong: %s", err)
	}
	return client, at, nil
}
