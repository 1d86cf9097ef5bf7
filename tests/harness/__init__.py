"""What end-to-end and terminal tests share: servers, the engine, a workload, and the comparison of both ends."""
