from shared.aws import clients


def test_a_worker_that_makes_many_clients_does_not_grow() -> None:
    def loader() -> list[str]:
        return list(clients._loader().search_paths)

    clients.s3_with(dict)
    before = loader()
    s3 = clients.s3_with(dict)
    assert loader() == before
    assert hasattr(s3, "upload_file"), "boto3 has added its methods"
