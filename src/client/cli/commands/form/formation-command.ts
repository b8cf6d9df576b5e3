import { Command } from 'commander';
import type { ClusterFormationSpec, ClusterSpec } from '../../../../contracts/index.js';
import { checkFormation, loadSpecs } from '../../../../spec/index.js';
import type { NamedFiles } from '../../named-files.js';
import { fileOption } from '../../options.js';

/** A command on the ClusterFormation of the files that are named. */
export const formationCommand = (name: string): Command =>
  new Command(name)
    .addOption(fileOption('file with the Cluster and the ClusterFormation').makeOptionMandatory())
    .option('--formation <name>', 'which ClusterFormation, where the files hold several');

/** @throws SpecError; RollgateError `USAGE` */
export const formationOf = async (
  options: NamedFiles,
): Promise<{ cluster: ClusterSpec; formation: ClusterFormationSpec }> =>
  checkFormation(await loadSpecs(options.file), options.formation);
