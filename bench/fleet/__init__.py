"""What deploying costs on ten real hosts, beside Fabric, pyinfra and Ansible."""
