import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Whole runs on real clusters take minutes: begun last they would be all that the end waits for. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rest = await super.sort(files);
    const real = (file: TestSpecification): boolean => /\/test\/(postgres|etcd)\//.test(file.moduleId);
    return [...rest.filter(real), ...rest.filter((file) => !real(file))];
  }
}
